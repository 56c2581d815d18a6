//! The API under `/v1`, for people, programs and kiosks.
//!
//! ```text
//! plain HTTP, loopback ──┐                          ┌─► who asks: token (people), certificate (kiosks), nobody
//!                        ├─► Peer ─► door (auth) ───┤
//! HTTPS, certificates ───┘                          └─► matrix: may this role call this route?  ─► handler
//! ```
//! A handler that changes something works in one transaction of the caller's tenant, and notes the change in
//! the audit log within it.

mod audit;
mod bundles;
mod catalogs;
mod claims;
mod door;
mod enrol;
mod events;
mod extract;
mod filters;
mod freeze;
mod hawkbit;
mod health;
mod jobs;
mod kiosk_files;
mod kiosk_updates;
mod kiosks;
pub(crate) mod listen;
mod matrix;
mod once;
mod orders;
mod pace;
mod page;
mod people;
mod problem;
mod quarantine;
mod query;
mod quota;
mod releases;
mod rollouts;
mod sites;
mod stock;
mod stream;
mod summary;
mod tasks;
mod tokens;
mod twins;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::database::Database;
use crate::hub::Hub;
use crate::link::Broker;
use crate::people::session::Sessions;
use crate::pki::Authorities;
use crate::updates::store::Store;

/// Longest body, except of files and catalogs. A twin has at most 64 KiB.
const BODY_MAX: usize = 256 * 1024;

/// What every handler may use.
#[derive(Clone)]
pub(crate) struct Api {
    pub database: Database,
    pub broker: Broker,
    pub authorities: Arc<Authorities>,
    /// Where they and the list of revoked kiosks are.
    pub authorities_dir: Arc<std::path::Path>,
    /// Host and port of the broker, told to kiosks that enrol.
    pub broker_for_kiosks: Arc<str>,
    pub hub: Hub,
    pub sessions: Arc<Sessions>,
    pub pace: Arc<pace::Pace>,
    pub store: Store,
}

#[derive(OpenApi)]
#[openapi(
    info(title = "kioskd fleet", description = "Kiosks, their sales and stock, and what they should be and do."),
    tags(
        (name = "kiosks"), (name = "enrolment"), (name = "sales"), (name = "stock"), (name = "downlink"),
        (name = "catalogs"), (name = "updates"), (name = "access"), (name = "hawkBit", description = "For machines of others."), (name = "kiosk's own", description = "With a kiosk's certificate.")
    ),
    components(schemas(problem::Problem)),
    modifiers(&Schemes)
)]
struct Document;

struct Schemes;

impl utoipa::Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        let header =
            ApiKeyValue::with_description("Authorization", "`TargetToken` and the token of a machine");
        components.add_security_scheme("target token", SecurityScheme::ApiKey(ApiKey::Header(header)));
        components.add_security_scheme(
            "certificate",
            SecurityScheme::MutualTls { description: None, deprecated: None, extensions: None },
        );
    }
}

/// The routes and the document that describes them, from the same macros.
fn described() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(health::healthz))
        .routes(routes!(health::metrics))
        .routes(routes!(enrol::enrol))
        .routes(routes!(enrol::new_code))
        .routes(routes!(enrol::renew))
        .routes(routes!(claims::open))
        .routes(routes!(claims::poll))
        .routes(routes!(claims::approve))
        .routes(routes!(claims::page))
        .routes(routes!(summary::show))
        .routes(routes!(kiosks::list))
        .routes(routes!(kiosks::show, kiosks::change))
        .routes(routes!(kiosks::decommission))
        .routes(routes!(kiosks::certificates))
        .routes(routes!(twins::show, twins::change))
        .routes(routes!(twins::change_many))
        .routes(routes!(filters::list))
        .routes(routes!(filters::save, filters::forget))
        .routes(routes!(sites::list, sites::create))
        .routes(routes!(sites::change))
        .routes(routes!(orders::list))
        .routes(routes!(orders::show))
        .routes(routes!(stock::list))
        .routes(routes!(stock::count))
        .routes(routes!(stock::receive))
        .routes(routes!(quota::of_kiosk))
        .routes(routes!(tasks::list))
        .routes(routes!(tasks::done))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::release))
        .routes(routes!(quarantine::discard))
        .routes(routes!(events::list))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(jobs::list, jobs::create))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::file))
        .routes(routes!(catalogs::list))
        .routes(routes!(catalogs::show))
        .routes(routes!(catalogs::push))
        .routes(routes!(kiosk_files::catalog))
        .routes(routes!(kiosk_updates::file))
        .routes(routes!(kiosk_updates::image))
        .routes(routes!(releases::list, releases::publish))
        .routes(routes!(releases::show, releases::forget))
        .routes(routes!(hawkbit::create))
        .routes(routes!(hawkbit::poll))
        .routes(routes!(hawkbit::describe))
        .routes(routes!(hawkbit::deployment))
        .routes(routes!(hawkbit::feedback))
        .routes(routes!(hawkbit::cancel))
        .routes(routes!(hawkbit::cancelled))
        .routes(routes!(hawkbit::artifact))
        .routes(routes!(rollouts::list, rollouts::create))
        .routes(routes!(rollouts::show))
        .routes(routes!(rollouts::kiosks))
        .routes(routes!(rollouts::approve))
        .routes(routes!(rollouts::pause))
        .routes(routes!(rollouts::resume))
        .routes(routes!(rollouts::halt))
        .routes(routes!(rollouts::rollback))
        .routes(routes!(freeze::show, freeze::freeze, freeze::unfreeze))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::whoami))
        .routes(routes!(people::list, people::create))
        .routes(routes!(people::change))
        .routes(routes!(people::login))
        .routes(routes!(people::logout))
        .routes(routes!(people::change_password))
        .routes(routes!(stream::stream))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(kiosk_files::put))
                .layer(DefaultBodyLimit::max(kiosk_files::FILE_MAX)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(releases::received, releases::take))
                .routes(routes!(bundles::show, bundles::take, bundles::publish))
                .layer(DefaultBodyLimit::max(releases::PIECE_MAX)),
        )
        .merge(
            OpenApiRouter::new()
                .routes(routes!(catalogs::create))
                .layer(DefaultBodyLimit::max(protocol::catalog::MAX_FILE_BYTES)),
        )
        .split_for_parts();
    matrix::describe(&mut document);
    (router, document)
}

/// Everything that is served, behind the door.
pub(crate) fn router(api: Api) -> Router {
    let (router, document) = described();
    let known = Arc::new(query::Known::of(&serde_json::to_value(&document).unwrap_or_default()));
    let document: Arc<str> = document.to_json().unwrap_or_default().into();
    let openapi = move || {
        let document = document.clone();
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], document.to_string()) }
    };
    router
        .route(matrix::OPENAPI, get(openapi))
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            let known = known.clone();
            async move { known.only(request, next).await }
        }))
        .route_layer(middleware::from_fn_with_state(api.clone(), once::once))
        .route_layer(middleware::from_fn_with_state(api.clone(), door::open))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(api)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route that is not described would be missing here, because the document is the list of routes; one
    /// that is not in the matrix would be closed to everybody.
    #[test]
    fn every_route_has_its_row_in_the_matrix_and_every_row_its_route() {
        let (_, document) = described();
        let mut served: Vec<String> = Vec::new();
        for (path, item) in &document.paths.paths {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            served.extend(
                methods
                    .iter()
                    .filter(|(_, operation)| operation.is_some())
                    .map(|(m, _)| format!("{m} {path}")),
            );
        }
        let mut rows: Vec<String> = matrix::ROUTES
            .iter()
            .filter(|row| row.path != matrix::OPENAPI)
            .map(|row| format!("{} {}", row.method, row.path))
            .collect();
        served.sort();
        rows.sort();
        assert_eq!(served, rows);
    }

    #[test]
    fn the_document_is_openapi_3_1_and_says_who_may_call_what() {
        let (_, document) = described();
        let text = document.to_json().unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(value["openapi"].as_str().unwrap().starts_with("3.1"));
        let roles = &value["paths"]["/v1/orders"]["get"]["x-roles"];
        assert_eq!(*roles, serde_json::json!(["admin", "operator", "analyst"]));
    }

    /// The macros take along the types of bodies, not those that are only named.
    #[test]
    fn everything_that_the_document_refers_to_is_in_it() {
        let document = serde_json::to_value(described().1).unwrap();
        let mut rest = vec![&document];
        let mut references = 0;
        while let Some(value) = rest.pop() {
            if let Some(reference) = value["$ref"].as_str() {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
                references += 1;
            }
            rest.extend(value.as_object().into_iter().flat_map(|object| object.values()));
            rest.extend(value.as_array().into_iter().flatten());
        }
        assert!(references > 100, "{references}");
    }
}
