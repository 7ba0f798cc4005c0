//! The caller of a request and its permissions.
//!
//! Access tokens are not read yet: every caller is an anonymous operator with all permissions. Handlers already check
//! permissions, so that only this file changes when tokens are introduced: [`Caller::from_request_parts`] will read the
//! token, and the rest of the API stays as it is.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use uuid::Uuid;

use super::problem::Problem;

/// A permission, as in the `scope` of an access token. Each service declares its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(pub &'static str);

/// The caller of a request. An extractor.
#[derive(Debug, Clone)]
pub struct Caller(());

impl Caller {
    /// The caller in a development system: has all permissions.
    pub fn anonymous() -> Self {
        Self(())
    }

    /// The customer id, if the caller is a customer; `None` for operators and programs.
    pub fn customer(&self) -> Option<Uuid> {
        None
    }

    pub fn may(&self, _scope: Scope) -> bool {
        true
    }

    /// 403, naming the scope, unless the caller has it.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) { Ok(()) } else { Err(Problem::forbidden(scope)) }
    }

    /// Whether the caller may see resources of `owner`: the caller is the owner or has a scope for all owners.
    /// If not, answer 404: a 403 would reveal that the resource exists.
    pub fn may_see(&self, owner: Uuid, everything: Scope) -> bool {
        self.customer() == Some(owner) || self.may(everything)
    }

    /// The namespace of the caller's idempotency keys. The value is stored: never change it for a kind of caller.
    pub fn scope_key(&self) -> &'static str {
        "anonymous"
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    /// Becomes `Problem` (401) when tokens are introduced.
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::anonymous())
    }
}
