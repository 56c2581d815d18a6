//! Names of a URL's query that its route does not know are refused: a condition with a typing error in its name would
//! otherwise let everything through.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{MatchedPath, Query, Request};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::problem::{Answer, Failed};

/// Names by method and path, as the description of the API has them.
pub(super) struct Known(BTreeMap<(String, String), BTreeSet<String>>);

impl Known {
    pub(super) fn of(document: &Value) -> Self {
        let mut known = BTreeMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let names = parameters
                    .filter(|parameter| parameter["in"] == "query")
                    .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
                known.insert((method.to_uppercase(), path.clone()), names.collect());
            }
        }
        Self(known)
    }

    /// Lets a request through whose names are all known.
    pub(super) async fn only(&self, request: Request, next: Next) -> Response {
        let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        match self.check(request.method().as_str(), &path.unwrap_or_default(), request.uri()) {
            Ok(()) => next.run(request).await,
            Err(failed) => failed.into_response(),
        }
    }

    fn check(&self, method: &str, path: &str, uri: &Uri) -> Answer<()> {
        let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(uri)?;
        let known = self.0.get(&(method.to_owned(), path.to_owned()));
        let is_known = |name: &String| known.is_some_and(|known| known.contains(name));
        let Some((unknown, _)) = given.iter().find(|(name, _)| !is_known(name)) else { return Ok(()) };
        let names: Vec<&str> = known.into_iter().flatten().map(String::as_str).collect();
        let next = match names.as_slice() {
            [] => "this route takes none".to_owned(),
            names => format!("this route takes {}", names.join(", ")),
        };
        Err(Failed::bad("query", format!("there is no parameter {unknown:?}")).next(next))
    }
}
