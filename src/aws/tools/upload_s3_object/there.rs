//! Where an upload goes, as it is before.

use super::{Args, address};
use crate::clients::ReadClients;
use crate::tools::transfer::bucket::{self, Bucket, Owner};
use crate::tools::transfer::object::{self, Object};
use crate::tools::transfer::remark::{s3api, url_encoded};
use crate::tools::transfer::versions::{self, Versions};
use quarterdeck_core::tool::{Fault, FaultKind};
use std::collections::BTreeMap;

/// What is at the destination, read afresh.
pub(super) struct There {
    pub(super) bucket: Bucket,
    /// The account the bucket must belong to.
    pub(super) owner: String,
    /// What is at the key.
    pub(super) object: Option<Object>,
    /// Whether the bucket keeps versions; `None` when that could not be read.
    pub(super) versions: Option<Versions>,
    /// The bucket's tags that decide.
    pub(super) tags: BTreeMap<String, String>,
    /// What could not be read, and why.
    pub(super) unknown: Vec<String>,
}

impl There {
    /// Reads bucket and key.
    ///
    /// # Errors
    /// `conflict`: there is an object and it is not to be overwritten. `refused`: the bucket is another account's.
    pub(super) async fn read(aws: &ReadClients, args: &Args) -> Result<Self, Fault> {
        let bucket =
            bucket::find(aws, &args.bucket, args.account.as_deref(), args.bucket_owner.as_deref()).await?;
        let mut unknown = Vec::new();
        let owner = match &bucket.owner {
            Owner::Ours => bucket.identity.account.clone(),
            Owner::Named(account) => account.clone(),
            Owner::Other => {
                let message = format!("the bucket {} belongs to another account", args.bucket);
                return Err(Fault::new(FaultKind::Refused, message)
                    .hint("send that account's id as `bucket_owner` if it is meant"));
            }
            Owner::Unknown(why) => {
                unknown.push(format!("whether the bucket belongs to this account ({why})"));
                bucket.identity.account.clone()
            }
        };
        let s3 = aws.s3(&bucket.place);
        let (object, kept, tags) = futures::join!(
            object::head(&s3, &args.bucket, &args.key, Some(&owner)),
            versions::versions(&s3, &args.bucket, &owner),
            versions::tags(&s3, &args.bucket, &owner),
        );
        let object = match object {
            Ok(Some(object)) if !args.overwrite => return Err(exists(args, &object)),
            Ok(object) => object,
            Err(fault) if fault.kind == FaultKind::Denied && !args.overwrite => {
                unknown
                    .push(format!("whether there is an object of that key, which is then refused ({fault})"));
                None
            }
            // Overwriting takes the ETag of what is overwritten.
            Err(fault) => return Err(fault),
        };
        let mut known = |what: &str, fault: &Fault| unknown.push(format!("{what} ({fault})"));
        let versions = kept.map_err(|fault| known("whether the bucket keeps versions", &fault)).ok();
        let tags = tags.map_err(|fault| known("the bucket's tags", &fault)).unwrap_or_default();
        Ok(Self { bucket, owner, object, versions, tags, unknown })
    }

    /// Whether what is there now outlives the upload.
    pub(super) fn kept(&self) -> bool {
        let version = self.object.as_ref().and_then(|o| o.version.as_deref());
        self.versions.is_some_and(|v| v.keep(version))
    }

    /// The command line that undoes the upload.
    pub(super) fn restore(&self, aws: &ReadClients, args: &Args) -> String {
        let place = &self.bucket.place;
        match self.object.as_ref().and_then(|o| o.version.as_deref()) {
            Some(version) => {
                let from =
                    format!("{}/{}?versionId={}", args.bucket, url_encoded(&args.key), url_encoded(version));
                let words = ["--bucket", &args.bucket, "--key", &args.key, "--copy-source", &from];
                s3api(aws, place, "copy-object", &words)
            }
            None => s3api(aws, place, "delete-object", &["--bucket", &args.bucket, "--key", &args.key]),
        }
    }
}

fn exists(args: &Args, object: &Object) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} is there already: {}", address(args), object.shown()))
        .hint("send overwrite: true, or another key")
}
