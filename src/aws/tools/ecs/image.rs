//! Container image references.

/// A parsed reference: `registry:5000/team/app:1.8.2@sha256:...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRef<'a> {
    /// Registry and repository.
    pub name: &'a str,
    /// The tag; absent means `latest`.
    pub tag: Option<&'a str>,
    /// The digest; an image with one is always the same image.
    pub digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    /// Splits a reference. A colon before the last slash is a port, not a tag.
    pub fn parse(image: &'a str) -> Self {
        let (rest, digest) = match image.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (image, None),
        };
        let after_path = rest.rsplit('/').next().unwrap_or(rest);
        let tag = after_path.split_once(':').map(|(_, tag)| tag);
        let name = tag
            .and_then(|tag| rest.strip_suffix(tag))
            .and_then(|name| name.strip_suffix(':'))
            .unwrap_or(rest);
        Self { name, tag, digest }
    }

    /// Whether it may be another image the next time it is pulled.
    pub fn is_mutable(self) -> bool {
        self.digest.is_none()
    }

    /// The tag that is pulled.
    pub fn tag(self) -> &'a str {
        self.tag.unwrap_or("latest")
    }
}

/// A digest's beginning, enough to tell two apart: `sha256:0123456789ab`.
pub fn short_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!("{algorithm}:{}", hex.chars().take(12).collect::<String>()),
        None => digest.chars().take(12).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (image, name, tag, digest) in [
            ("nginx", "nginx", None, None),
            ("nginx:1.27", "nginx", Some("1.27"), None),
            ("registry:5000/team/app", "registry:5000/team/app", None, None),
            ("registry:5000/team/app:1.8.2", "registry:5000/team/app", Some("1.8.2"), None),
            ("team/app@sha256:abc", "team/app", None, Some("sha256:abc")),
            ("team/app:1.8.2@sha256:abc", "team/app", Some("1.8.2"), Some("sha256:abc")),
            ("", "", None, None),
        ] {
            assert_eq!(ImageRef::parse(image), ImageRef { name, tag, digest }, "{image}");
        }
        assert_eq!(ImageRef::parse("nginx").tag(), "latest");
        assert!(ImageRef::parse("nginx:1").is_mutable());
        assert!(!ImageRef::parse("nginx:1@sha256:abc").is_mutable());
        assert_eq!(short_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
    }
}
