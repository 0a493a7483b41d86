//! Asking a write that is under way to stop. Only transfers can: they stop between two pieces and clean up.

use std::future::Future;
use tokio::sync::watch;

/// Told to whoever carries out a write.
#[derive(Clone, Debug)]
pub struct Stop(Option<watch::Receiver<bool>>);

/// In the hands of whoever may stop it.
#[derive(Debug)]
pub struct Switch(watch::Sender<bool>);

/// A switch and what it reaches.
#[must_use]
pub fn pair() -> (Switch, Stop) {
    let (switch, stop) = watch::channel(false);
    (Switch(switch), Stop(Some(stop)))
}

impl Switch {
    /// Asks to stop. A write that cannot goes on.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether the write is still under way.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }
}

impl Stop {
    /// Nobody asks.
    #[must_use]
    pub const fn never() -> Self {
        Self(None)
    }

    /// Until it is asked.
    pub async fn asked(&self) {
        if let Some(stop) = &self.0
            && stop.clone().wait_for(|asked| *asked).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// What `work` comes to, or `None` when it was asked to stop first: `work` is dropped then.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.asked() => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_ends_when_it_is_asked_to() {
        assert_eq!(Stop::never().or(async { 1 }).await, Some(1));
        let (switch, stop) = pair();
        assert_eq!(stop.or(async { 2 }).await, Some(2));
        let asked = async {
            tokio::task::yield_now().await;
            switch.stop();
        };
        let (done, ()) = futures::join!(stop.or(std::future::pending::<()>()), asked);
        assert_eq!(done, None);
        assert_eq!(stop.or(async { 3 }).await, None, "asked once is asked for good");
        let (switch, stop) = pair();
        drop(switch);
        assert_eq!(stop.or(async { 4 }).await, Some(4), "nobody can ask any more");
    }
}
