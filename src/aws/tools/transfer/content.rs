//! What is uploaded, read piece by piece: a file or a URL. Never more of it in memory than is asked for.

use crate::fetch::{Link, Remote};
use crate::files::{Files, Source};
use bytes::{Bytes, BytesMut};
use quarterdeck_core::journal::hex;
use quarterdeck_core::tool::{Fault, FaultKind};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

/// Content on its way.
#[derive(Debug)]
pub struct Content {
    from: From,
    buffer: BytesMut,
    hash: Sha256,
    read: u64,
    ended: bool,
}

#[derive(Debug)]
enum From {
    File { file: File, planned: Source },
    Url(Remote),
}

impl Content {
    /// The file that was planned.
    ///
    /// # Errors
    /// `conflict`: it is no longer that file.
    pub async fn file(planned: Source) -> Result<Self, Fault> {
        let gone = |e: std::io::Error| {
            Fault::new(FaultKind::Conflict, format!("{} can no longer be read: {e}", planned.path.display()))
        };
        let file = File::open(&planned.path).await.map_err(gone)?;
        let content = Self::new(From::File { file, planned });
        content.unchanged().await?;
        Ok(content)
    }

    /// What is at a URL.
    ///
    /// # Errors
    /// As [`Remote::open`].
    pub async fn url(link: &Link, files: &Files) -> Result<Self, Fault> {
        Ok(Self::new(From::Url(Remote::open(link, files.url_limit, files.reachable).await?)))
    }

    fn new(from: From) -> Self {
        Self { from, buffer: BytesMut::new(), hash: Sha256::new(), read: 0, ended: false }
    }

    /// Bytes there are, when that is known.
    pub fn total(&self) -> Option<u64> {
        match &self.from {
            From::File { planned, .. } => Some(planned.size),
            From::Url(remote) => remote.length(),
        }
    }

    /// The media type a server gives it.
    pub fn kind(&self) -> Option<&str> {
        match &self.from {
            From::File { .. } => None,
            From::Url(remote) => remote.content_type(),
        }
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        self.ended && self.buffer.is_empty()
    }

    /// The next `size` bytes; fewer only at the end, where it is `None` when there are none. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// The disk or the line.
    pub async fn next(&mut self, size: usize) -> Result<Option<Bytes>, Fault> {
        while !self.ended && self.buffer.len() < size {
            let before = self.buffer.len();
            match &mut self.from {
                From::File { file, planned } => {
                    self.buffer.reserve(size.saturating_sub(before));
                    let read = file.read_buf(&mut self.buffer).await.map_err(|e| {
                        Fault::new(FaultKind::Conflict, format!("{}: {e}", planned.path.display()))
                    })?;
                    self.ended = read == 0;
                }
                From::Url(remote) => match remote.chunk().await? {
                    Some(chunk) => self.buffer.extend_from_slice(&chunk),
                    None => self.ended = true,
                },
            }
            let new = self.buffer.get(before..).unwrap_or_default();
            self.hash.update(new);
            self.read = self.read.saturating_add(new.len() as u64);
        }
        let given = self.buffer.len().min(size);
        Ok((given > 0).then(|| self.buffer.split_to(given).freeze()))
    }

    /// It is all of what was planned, and that did not change while it was read.
    ///
    /// # Errors
    /// `conflict`.
    pub async fn whole(&self) -> Result<(), Fault> {
        self.unchanged().await?;
        match self.total() {
            Some(total) if total != self.read => {
                let message = format!("the source has {total} bytes, but {} came", self.read);
                Err(Fault::new(FaultKind::Conflict, message)
                    .hint("it is being written to; plan the upload again"))
            }
            _ => Ok(()),
        }
    }

    async fn unchanged(&self) -> Result<(), Fault> {
        match &self.from {
            From::File { file, planned } => match file.metadata().await {
                Ok(meta) if planned.is(&meta) => Ok(()),
                _ => {
                    let message = format!("{} changed after it was planned", planned.path.display());
                    Err(Fault::new(FaultKind::Conflict, message).hint("plan the upload again"))
                }
            },
            From::Url(_) => Ok(()),
        }
    }

    /// Bytes read so far, and their SHA-256, hexadecimal.
    pub fn digest(&self) -> (u64, String) {
        (self.read, hex(&self.hash.clone().finalize()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let files = Files::in_folders(folder.path(), folder.path());
        (folder, files)
    }

    #[tokio::test]
    async fn pieces_of_the_size_asked_for() {
        let (_folder, files) = folder_with("a", b"0123456789");
        let mut content = Content::file(files.source("a").unwrap()).await.unwrap();
        assert_eq!(content.total(), Some(10));
        assert_eq!(content.next(4).await.unwrap().unwrap(), "0123");
        assert_eq!(content.next(4).await.unwrap().unwrap(), "4567");
        assert!(!content.is_over());
        assert_eq!(content.next(4).await.unwrap().unwrap(), "89");
        assert_eq!(content.next(4).await.unwrap(), None);
        assert!(content.is_over());
        content.whole().await.unwrap();
        let digest = hex(&Sha256::digest(b"0123456789"));
        assert_eq!(content.digest(), (10, digest));
        let (_folder, files) = folder_with("empty", b"");
        let mut content = Content::file(files.source("empty").unwrap()).await.unwrap();
        assert_eq!(content.next(4).await.unwrap(), None);
        content.whole().await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_changes_is_not_the_one_that_was_planned() {
        let (folder, files) = folder_with("a", b"0123456789");
        let planned = files.source("a").unwrap();
        let mut content = Content::file(planned.clone()).await.unwrap();
        content.next(4).await.unwrap();
        let path = folder.path().join("a");
        let mut open = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut open, b"more").unwrap();
        drop(open);
        while content.next(4).await.unwrap().is_some() {}
        assert_eq!(content.whole().await.unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(Content::file(planned.clone()).await.unwrap_err().kind, FaultKind::Conflict);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Content::file(planned).await.unwrap_err().kind, FaultKind::Conflict);
    }
}
