//! What happened to a service: the story's deployments and the operator's updates, in one order.

use crate::account::Service;
use crate::story::Broken;
use crate::world::{What, World};
use quarterdeck_core::Timestamp;

/// One change; what is `None` stays as it was.
pub(crate) struct Step {
    pub at: Timestamp,
    pub revision: Option<u32>,
    pub desired: Option<u32>,
    /// A new deployment even when the revision stays.
    pub force: bool,
}

/// What happened to `service`, oldest first.
pub(crate) fn steps(world: World<'_>, service: &Service) -> Vec<Step> {
    let key = service.key();
    let story =
        world.drill.deploy.iter().filter(|d| d.cluster == service.cluster && d.service == service.name).map(
            |d| Step { at: d.at.at(world.start), revision: Some(d.revision), desired: None, force: true },
        );
    let actions = world.actions.iter().filter(|a| a.region == service.region).filter_map(|a| match &a.what {
        What::UpdateService { key: k, desired, revision, force } if *k == key => {
            Some(Step { at: a.at, revision: *revision, desired: *desired, force: *force })
        }
        What::UpdateService { .. }
        | What::Stop { .. }
        | What::Start { .. }
        | What::RevokeRules { .. }
        | What::AddRules { .. }
        | What::S3(_)
        | What::Other(_) => None,
    });
    let mut all: Vec<Step> = story.chain(actions).filter(|s| s.at <= world.now).collect();
    all.sort_by_key(|s| s.at);
    all
}

/// Why `revision` does not live, when the story broke it.
pub(crate) fn broken<'a>(world: World<'a>, service: &Service, revision: u32) -> Option<&'a Broken> {
    world
        .drill
        .deploy
        .iter()
        .filter(|d| d.cluster == service.cluster && d.service == service.name && d.revision == revision)
        .find_map(|d| d.broken.as_ref())
}
