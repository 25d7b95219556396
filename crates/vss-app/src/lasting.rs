//! Trouble that lasts is said when it begins, when it becomes another one, and when it ends: not
//! each time that something is tried again.

use crate::failure::Failure;

/// What one task of a daemon tries again and again.
#[derive(Debug)]
pub(crate) struct Lasting {
    /// What does not work, as the log says it.
    what: &'static str,
    said: Option<String>,
}

impl Lasting {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what, said: None }
    }

    /// It failed, and will be tried again.
    pub(crate) fn goes_on(&mut self, failure: &Failure) {
        let words = failure.about.clone();
        let words = words.unwrap_or_else(|| failure.to_string());
        if self.said.as_ref() == Some(&words) {
            tracing::debug!(%failure, "{}, still", self.what);
            return;
        }
        let remedy = failure.remedy.as_deref();
        tracing::error!(%failure, remedy, "{}; tried again", self.what);
        self.said = Some(words);
    }

    /// It works.
    pub(crate) fn is_over(&mut self) {
        if self.said.take().is_some() {
            tracing::info!("over: {}", self.what);
        }
    }
}
