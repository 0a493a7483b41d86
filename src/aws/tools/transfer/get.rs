//! Reading one object to its end, piece by piece: a broken line is taken up where it broke.

use super::pace::Pace;
use crate::clients::ReadClients;
use crate::fault;
use crate::local::Partial;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use quarterdeck_core::journal::hex;
use quarterdeck_core::tool::{Fault, FaultKind};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Attempts in a row that bring nothing.
const ATTEMPTS: u32 = 4;
/// Before the second attempt; doubled with each.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 2 } else { 250 });

/// The object that was planned.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its ETag: another one is another object.
    pub etag: String,
    /// Its bytes.
    pub size: u64,
    /// The account the bucket must belong to, where that is known.
    pub owner: Option<String>,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// Of every byte written, hexadecimal.
    pub sha256: String,
    /// The checksum of S3's that was compared and is right.
    pub compared: Option<&'static str>,
    /// Times the line broke.
    pub breaks: u32,
}

/// Reads `wanted` into `file`.
///
/// # Errors
/// `conflict`: it was replaced. `missing`: it was deleted. `unavailable`: the line broke again and again, or the bytes
/// are not those S3 has.
pub async fn get(aws: &ReadClients, s3: &Client, wanted: &Wanted, file: &mut Partial) -> Result<Got, Fault> {
    let mut reading =
        Reading { hash: Sha256::new(), done: 0, pace: Pace::default(), promised: Promised::default() };
    let (mut vain, mut breaks) = (0, 0);
    loop {
        let before = reading.done;
        let Err(fault) = reading.piece(aws, s3, wanted, file).await else { break };
        if !again(fault.kind) || reading.done == wanted.size && wanted.size > 0 {
            return Err(fault);
        }
        vain = if reading.done > before { 1 } else { vain + 1 };
        breaks += 1;
        if vain >= ATTEMPTS {
            return Err(fault);
        }
        tokio::time::sleep(PAUSE.saturating_mul(1 << vain)).await;
    }
    reading.end(breaks)
}

struct Reading {
    hash: Sha256,
    done: u64,
    pace: Pace,
    promised: Promised,
}

/// What S3 says of the whole object.
#[derive(Default)]
struct Promised {
    /// Checked by the SDK as the bytes go by; holds only when the object came in one piece.
    by_sdk: Option<&'static str>,
    sha256: Option<String>,
}

impl Reading {
    async fn piece(
        &mut self,
        aws: &ReadClients,
        s3: &Client,
        wanted: &Wanted,
        file: &mut Partial,
    ) -> Result<(), Fault> {
        let range = (self.done > 0).then(|| format!("bytes={}-", self.done));
        let first = range.is_none();
        let asked = s3
            .get_object()
            .bucket(&wanted.bucket)
            .key(&wanted.key)
            .if_match(&wanted.etag)
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(wanted.owner.clone())
            .set_range(range);
        let mut out = asked.send().await.map_err(|e| refused(fault::of(&e)))?;
        self.promised =
            if first { Promised::of(&out) } else { Promised { by_sdk: None, ..Promised::of(&out) } };
        loop {
            let chunk = out.body.try_next().await.map_err(|e| {
                let whole = self.done == wanted.size;
                let what =
                    if whole { "the bytes are not those S3 has a checksum of" } else { "the line broke" };
                Fault::new(FaultKind::Unavailable, format!("{what}: {e}")).hint("nothing was kept; try again")
            })?;
            let Some(chunk) = chunk else { break };
            file.write(&chunk).await?;
            self.hash.update(&chunk);
            self.done = self.done.saturating_add(chunk.len() as u64);
            if self.done > wanted.size {
                return Err(Fault::new(
                    FaultKind::Conflict,
                    "S3 sends more than the object had when it was planned",
                ));
            }
            if let Some(progress) = self.pace.at(self.done, Some(wanted.size)) {
                aws.progress(progress);
            }
        }
        if self.done < wanted.size {
            return Err(Fault::new(FaultKind::Unavailable, "the line ended before the object did"));
        }
        Ok(())
    }

    fn end(self, breaks: u32) -> Result<Got, Fault> {
        let digest = self.hash.finalize();
        if let Some(promised) = &self.promised.sha256 {
            if *promised != BASE64.encode(digest) {
                let message = "the bytes are not those S3 has a SHA-256 of";
                return Err(Fault::new(FaultKind::Unavailable, message).hint("nothing was kept; try again"));
            }
            return Ok(Got { sha256: hex(&digest), compared: Some("SHA-256"), breaks });
        }
        Ok(Got { sha256: hex(&digest), compared: self.promised.by_sdk, breaks })
    }
}

impl Promised {
    /// A checksum of checksums, as objects of several parts have, is not one of the bytes.
    fn of(out: &GetObjectOutput) -> Self {
        let whole = |sum: Option<&str>| sum.is_some_and(|s| !s.contains('-'));
        if out.checksum_type() == Some(&ChecksumType::Composite) {
            return Self::default();
        }
        let known = [
            ("CRC-64/NVME", out.checksum_crc64_nvme()),
            ("CRC-32", out.checksum_crc32()),
            ("CRC-32C", out.checksum_crc32_c()),
            ("SHA-1", out.checksum_sha1()),
        ];
        Self {
            by_sdk: known.into_iter().find(|(_, sum)| whole(*sum)).map(|(name, _)| name),
            sha256: out.checksum_sha256().filter(|s| whole(Some(s))).map(str::to_owned),
        }
    }
}

/// What S3's refusal of the planned object means.
fn refused(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Conflict if fault.message.contains("storage class") => {
            fault.hint("restore it first: aws s3api restore-object")
        }
        FaultKind::Conflict => {
            Fault::new(FaultKind::Conflict, "the object was replaced after it was planned")
                .hint("nothing was written; plan the download again")
        }
        FaultKind::Missing => Fault::new(FaultKind::Missing, "the object was deleted after it was planned")
            .hint("nothing was written; list_s3_objects shows what is there"),
        FaultKind::Denied => fault.action("s3:GetObject"),
        FaultKind::Throttled
        | FaultKind::Expired
        | FaultKind::Invalid
        | FaultKind::Unavailable
        | FaultKind::Timeout
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => fault,
    }
}

/// Whether another attempt may bring more.
pub fn again(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Throttled | FaultKind::Unavailable | FaultKind::Timeout => true,
        FaultKind::Denied
        | FaultKind::Expired
        | FaultKind::Missing
        | FaultKind::Invalid
        | FaultKind::Conflict
        | FaultKind::Guard
        | FaultKind::Refused
        | FaultKind::Cancelled => false,
    }
}
