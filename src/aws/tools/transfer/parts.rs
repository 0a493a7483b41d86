//! An object in parts: each is sent again when the line breaks, and all are given up together.

use super::content::Content;
use super::get::again;
use super::pace::Pace;
use super::put::{Destination, Written, refused, stopped, too_slow};
use crate::clients::WriteClients;
use crate::fault;
use crate::shell;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use quarterdeck_core::tool::{Fault, FaultKind};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const MIB: u64 = 1024 * 1024;
/// Bytes of a part, unless there would be too many. S3 takes 5 MiB to 5 GiB.
const PART: u64 = 8 * MIB;
/// Bytes a part may have: what bounds the memory, with [`AT_ONCE`].
const LARGEST_PART: u64 = 64 * MIB;
/// Parts S3 takes, less some for a source that is longer than it says.
const MOST_PARTS: u64 = 9_990;
/// Parts on their way at a time.
const AT_ONCE: usize = 3;
/// Attempts of a part, the first included.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; doubled with each.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 2 } else { 250 });
/// For giving up: S3 must be told, but nobody waits for it for ever.
const GIVING_UP: Duration = Duration::from_secs(8);

/// An upload in parts that was begun.
pub struct Parts<'a> {
    aws: &'a WriteClients,
    to: &'a Destination,
    s3: Client,
    id: String,
    part: usize,
    again: AtomicU32,
}

/// One part that S3 has.
struct Part {
    completed: CompletedPart,
    digest: [u8; 32],
    number: i32,
    size: u64,
}

impl<'a> Parts<'a> {
    /// Begins one.
    ///
    /// # Errors
    /// `invalid`: too large. AWS's own; the object is as it was then.
    pub async fn begin(
        aws: &'a WriteClients,
        to: &'a Destination,
        total: Option<u64>,
    ) -> Result<Self, Fault> {
        let part = part_size(total)?;
        let begun = aws
            .s3_transfer()
            .create_multipart_upload()
            .bucket(&to.bucket)
            .key(&to.key)
            .expected_bucket_owner(&to.owner)
            .set_content_type(to.kind.clone())
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await;
        // Nothing is at the key before the last request, whatever became of this one.
        aws.called_off();
        let begun = begun.map_err(|e| refused(fault::of(&e)))?;
        let id = begun.upload_id().unwrap_or_default().to_owned();
        Ok(Self { aws, to, s3: aws.s3_transfer(), id, part, again: AtomicU32::new(0) })
    }

    /// Sends `first` and what follows it, and has it put together.
    ///
    /// # Errors
    /// As [`super::put::put`].
    pub async fn send(
        self,
        mut content: Content,
        first: Bytes,
        ends: Instant,
        limit: Duration,
    ) -> Result<Written, Fault> {
        let stop = self.aws.stop().clone();
        let sent = stop.or(tokio::time::timeout_at(ends, self.all(&mut content, first))).await;
        let sent = match sent {
            Some(Ok(Ok(parts))) => content.whole().await.map(|()| parts),
            Some(Ok(Err(fault))) => Err(fault),
            Some(Err(_)) => Err(too_slow(limit)),
            None => Err(stopped()),
        };
        match sent {
            Ok(parts) => self.complete(parts, &content).await,
            Err(fault) => Err(self.give_up(fault).await),
        }
    }

    /// Every part, a few at a time, in the order of their numbers.
    async fn all(&self, content: &mut Content, mut first: Bytes) -> Result<Vec<Part>, Fault> {
        let total = content.total();
        let (mut sending, mut parts) = (FuturesUnordered::new(), Vec::new());
        let (mut number, mut done, mut pace) = (0, 0, Pace::default());
        self.aws.progress_if(pace.at(0, total));
        loop {
            let room = sending.len() < AT_ONCE;
            if room && !first.is_empty() {
                number += 1;
                let part = first.split_to(first.len().min(self.part));
                sending.push(self.one(number, part));
                continue;
            }
            tokio::select! {
                piece = content.next(self.part), if room && !content.is_over() => {
                    if let Some(piece) = piece? {
                        number += 1;
                        sending.push(self.one(number, piece));
                    }
                }
                Some(part) = sending.next(), if !sending.is_empty() => {
                    let part: Part = part?;
                    done += part.size;
                    parts.push(part);
                    self.aws.progress_if(pace.at(done, total));
                }
                else => break,
            }
        }
        parts.sort_unstable_by_key(|p| p.number);
        Ok(parts)
    }

    /// One part, as often as it takes.
    async fn one(&self, number: i32, bytes: Bytes) -> Result<Part, Fault> {
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let sum = BASE64.encode(digest);
        let mut attempt = 1;
        loop {
            let sent = self
                .s3
                .upload_part()
                .bucket(&self.to.bucket)
                .key(&self.to.key)
                .upload_id(&self.id)
                .part_number(number)
                .expected_bucket_owner(&self.to.owner)
                .checksum_sha256(&sum)
                .body(ByteStream::from(bytes.clone()))
                .send()
                .await;
            match sent {
                Ok(out) => {
                    let completed = CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(out.e_tag().map(str::to_owned))
                        .checksum_sha256(&sum)
                        .build();
                    return Ok(Part { completed, digest, number, size: bytes.len() as u64 });
                }
                Err(error) => {
                    let fault = refused(fault::of(&error));
                    if !again(fault.kind) || attempt >= ATTEMPTS {
                        return Err(fault);
                    }
                    self.again.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE.saturating_mul(1 << attempt)).await;
                    attempt += 1;
                }
            }
        }
    }

    /// The parts become the object. What is lost here may have happened.
    async fn complete(self, parts: Vec<Part>, content: &Content) -> Result<Written, Fault> {
        let (size, sha256) = content.digest();
        let sum = composite(&parts);
        let count = parts.len();
        let all = parts.into_iter().map(|p| p.completed).collect();
        self.aws.under_way();
        let done = self
            .s3
            .complete_multipart_upload()
            .bucket(&self.to.bucket)
            .key(&self.to.key)
            .upload_id(&self.id)
            .expected_bucket_owner(&self.to.owner)
            .set_if_none_match(self.to.before.if_none_match())
            .set_if_match(self.to.before.if_match())
            .mpu_object_size(i64::try_from(size).unwrap_or(i64::MAX))
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(all)).build())
            .send()
            .await;
        match done {
            Ok(out) => Ok(Written {
                etag: out.e_tag().unwrap_or_default().to_owned(),
                version: out.version_id().map(str::to_owned),
                sha256,
                size,
                parts: count,
                again: self.again.load(Ordering::Relaxed),
                compared: out.checksum_sha256() == Some(&sum),
            }),
            Err(error) if fault::lost(&error) => Err(fault::of(&error)),
            Err(error) => {
                let fault = refused(fault::of(&error));
                self.aws.called_off();
                Err(self.give_up(fault).await)
            }
        }
    }

    /// Has S3 forget the parts: they are billed as long as it keeps them.
    async fn give_up(&self, why: Fault) -> Fault {
        let forget = async {
            for attempt in 0..3 {
                let asked = self
                    .s3
                    .abort_multipart_upload()
                    .bucket(&self.to.bucket)
                    .key(&self.to.key)
                    .upload_id(&self.id)
                    .expected_bucket_owner(&self.to.owner)
                    .send()
                    .await;
                match asked {
                    Ok(_) => return true,
                    // It is forgotten already.
                    Err(e) if fault::of(&e).kind == FaultKind::Missing => return true,
                    Err(_) => tokio::time::sleep(PAUSE.saturating_mul(1 << attempt)).await,
                }
            }
            false
        };
        if tokio::time::timeout(GIVING_UP, forget).await.unwrap_or_default() {
            return why;
        }
        let region = self.aws.plan().region.as_str();
        let command = shell::line([
            "aws",
            "s3api",
            "abort-multipart-upload",
            "--region",
            region,
            "--bucket",
            &self.to.bucket,
            "--key",
            &self.to.key,
            "--upload-id",
            &self.id,
        ]);
        Fault { message: format!("{}; parts of it are still kept and billed", why.message), ..why }
            .hint(format!("remove them with: {command}"))
    }
}

/// S3's checksum of an object in parts: the SHA-256 of the parts' SHA-256.
fn composite(parts: &[Part]) -> String {
    let mut all = Sha256::new();
    parts.iter().for_each(|p| all.update(p.digest));
    format!("{}-{}", BASE64.encode(all.finalize()), parts.len())
}

/// Bytes of each part for an object of `total`.
fn part_size(total: Option<u64>) -> Result<usize, Fault> {
    let needed = total.unwrap_or_default().div_ceil(MOST_PARTS).div_ceil(MIB) * MIB;
    let size = needed.max(PART);
    if size > LARGEST_PART {
        let most = LARGEST_PART * MOST_PARTS / (1024 * MIB);
        return Err(Fault::new(FaultKind::Invalid, format!("the source has more than {most} GiB"))
            .hint("send it with: aws s3 cp"));
    }
    usize::try_from(size).map_err(|e| Fault::new(FaultKind::Invalid, e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_too_many_parts() {
        const GIB: u64 = 1024 * MIB;
        for (total, mib) in [
            (None, 8),
            (Some(17 * MIB), 8),
            (Some(70 * GIB), 8),
            (Some(100 * GIB), 11),
            (Some(600 * GIB), 62),
        ] {
            let size = part_size(total).unwrap() as u64;
            assert_eq!(size, mib * MIB, "{total:?}");
            assert!(total.unwrap_or_default().div_ceil(size) < 10_000);
        }
        assert_eq!(part_size(Some(700 * GIB)).unwrap_err().kind, FaultKind::Invalid);
    }
}
