//! Which model is meant: a name, a provider and a name, or `provider/name`.

use super::super::Screen;
use crate::models::{Api, Caps, Models};
use crate::text::nearest;

/// The models of a provider to choose from: those of the table, and the one it uses when none is named.
pub(super) fn offered(models: &Models, provider: &str) -> Vec<Caps> {
    let mut all: Vec<Caps> = models.iter().filter(|caps| caps.provider == provider).cloned().collect();
    let own = models.default_model(provider).unwrap_or_default();
    if !own.is_empty() && all.iter().all(|caps| caps.id != own) {
        all.push(models.lookup(provider, own));
    }
    all
}

fn offers(models: &Models, provider: &str, id: &str) -> bool {
    offered(models, provider).iter().any(|caps| caps.id == id)
}

impl Screen {
    /// The provider and the id that a line after `:model` names.
    pub(super) fn named_model(&self, line: &str) -> Result<(String, String), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [provider, id] => {
                self.known_provider(provider)?;
                Ok(((*provider).to_owned(), (*id).to_owned()))
            }
            [word] => self.bare_model(word),
            _ => Err("model takes a name, or a provider and a name".to_owned()),
        }
    }

    /// # Errors
    /// There is no provider of this name.
    pub(super) fn known_provider(&self, name: &str) -> Result<(), String> {
        if self.models.provider(name).is_some() {
            return Ok(());
        }
        let near = nearest(name, self.models.providers(), 1).join("");
        let shown: String = name.chars().take(64).collect();
        let all: Vec<&str> = self.models.providers().collect();
        Err(format!("there is no provider {shown:?}; did you mean {near}? There are {}", all.join(", ")))
    }

    fn bare_model(&self, word: &str) -> Result<(String, String), String> {
        let (models, current) = (&self.models, self.in_force().provider.as_str());
        let of = |provider: &str, id: &str| Ok((provider.to_owned(), id.to_owned()));
        if offers(models, current, word) {
            return of(current, word);
        }
        let listing: Vec<&str> = models.providers().filter(|p| offers(models, p, word)).collect();
        match listing.as_slice() {
            [] => {}
            [one] => return of(one, word),
            [first, ..] => {
                let all = listing.join(" and ");
                return Err(format!("{all} have {word}; say whose: `:model {first} {word}`"));
            }
        }
        if models.provider(word).is_some() {
            return Err(format!(
                "{word} is a provider: `:provider {word}` takes its default model, `:model {word} NAME` another"
            ));
        }
        if let Some((head, tail)) = word.split_once('/')
            && models.provider(head).is_some()
            && !tail.is_empty()
        {
            // Ids with slashes are common where one endpoint stands for many providers.
            let slashes = models.provider(current).is_some_and(|p| p.api == Api::Chat);
            if head == current || !slashes {
                return of(head, tail);
            }
            return Err(format!("whose is it? Write `:model {head} {tail}`, or `:model {current} {word}`"));
        }
        // A part of an id is far more likely a name half typed than a model nobody lists.
        let part = word.to_lowercase();
        let like = |caps: &&Caps| caps.id.to_lowercase().contains(&part);
        let known: Vec<Caps> = models.providers().flat_map(|p| offered(models, p)).collect();
        if let Some(caps) =
            known.iter().find(|c| c.provider == current && like(c)).or(known.iter().find(like))
        {
            return Err(format!(
                "{word:?} is not a whole id; did you mean `:model {} {}`? For exactly that: `:model {current} {word}`",
                caps.provider, caps.id
            ));
        }
        of(current, word)
    }
}
