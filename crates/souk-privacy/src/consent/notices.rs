//! Versions of the text that a person saw when they chose.

/// One version of the shop's notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name, as banners and files give it.
    pub version: String,
    /// Whether a yes given under an earlier version no longer holds.
    pub asks_again: bool,
}

/// The versions of the notice, the oldest first.
///
/// A yes given under an old version stays valid unless a later version asks again. One whose version
/// is not listed, or that named none, counts as older than all of them. A no never expires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notices(Vec<Notice>);

impl Notices {
    /// Takes the versions in the order in which they came into force.
    pub fn new(notices: Vec<Notice>) -> Notices {
        Notices(notices)
    }

    /// The version in force, if there is any.
    pub fn current(&self) -> Option<&str> {
        self.0.last().map(|notice| notice.version.as_str())
    }

    /// Whether a yes given under `version` must be asked for again.
    pub fn is_outdated(&self, version: Option<&str>) -> bool {
        let position = |version| self.0.iter().position(|notice| notice.version == version);
        let known = version.and_then(position);
        let later = known.map_or(0, |idx| idx + 1);
        self.0[later..].iter().any(|notice| notice.asks_again)
    }
}
