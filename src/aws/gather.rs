//! One question to several places at once.

use crate::clients::ReadClients;
use crate::fault;
use crate::place::{Gathered, Place};
use futures::StreamExt;
use quarterdeck_core::event::Progress;
use quarterdeck_core::tool::{Fault, FaultKind, Partial};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

/// Places asked at the same time.
const AT_ONCE: usize = 8;

impl ReadClients {
    /// Runs `read` in every place, at most 8 at a time, and reports progress as each answers. A place that is late is
    /// given up before the call is, so that the others' answers are not lost with it.
    pub async fn gather<T, F, Fut>(&self, places: Vec<Place>, read: F) -> Gathered<T>
    where
        T: Send,
        F: Fn(Place) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Fault>> + Send,
    {
        let total = u64::try_from(places.len()).unwrap_or(u64::MAX);
        let many_accounts = places.iter().any(|p| places.first().is_some_and(|f| f.account != p.account));
        let many_regions = places.iter().any(|p| places.first().is_some_and(|f| f.region != p.region));
        let unit = if many_accounts && !many_regions { "accounts" } else { "regions" };
        let done = AtomicU64::new(0);
        let (read, done) = (&read, &done);
        let asked = places.into_iter().enumerate().map(|(index, place)| async move {
            let late = || Fault::new(FaultKind::Timeout, "AWS did not answer in time");
            let answer = tokio::time::timeout_at(self.deadline(), read(place.clone()));
            let answer = answer.await.unwrap_or_else(|_| Err(late()));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            self.progress(Progress { done, total: Some(total), unit, rows: 0, partial: None });
            (index, place, answer)
        });
        let mut answered: Vec<_> = futures::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        answered.sort_by_key(|(index, ..)| *index);
        let mut gathered = Gathered { answers: Vec::new(), errors: Vec::new(), many_accounts, many_regions };
        for (_, place, answer) in answered {
            match answer {
                Ok(answer) => gathered.answers.push((place, answer)),
                Err(fault) => {
                    let fault = fault::expired_with(fault, self.profile(&place).as_deref());
                    let account = if many_accounts { place.account } else { None };
                    gathered.errors.push(Partial { account, place: place.region, fault });
                }
            }
        }
        gathered
    }
}
