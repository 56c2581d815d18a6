//! Who may call what: one row a route, and a route without a row is closed to everybody.

use protocol::text::wire_name;
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;

use crate::access::Role;

/// Where the description of everything else is.
pub(super) const OPENAPI: &str = "/v1/openapi.json";

/// Who a route is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    /// Also those whom nobody knows.
    Anybody,
    /// Kiosks, by their certificate.
    Kiosk,
    /// Machines of others, by theirs.
    Foreign,
    /// People of these roles, by their token.
    People(&'static [Role]),
}

/// One row.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub who: Who,
}

const ADMIN: Who = Who::People(&[Role::Admin]);
const RUN: Who = Who::People(&[Role::Admin, Role::Operator]);
const SERVICE: Who = Who::People(&[Role::Admin, Role::Operator, Role::Technician]);
const SALES: Who = Who::People(&[Role::Admin, Role::Operator, Role::Analyst]);
const ALL: Who = Who::People(&Role::ALL);

const fn route(method: &'static str, path: &'static str, who: Who) -> Route {
    Route { method, path, who }
}

/// The matrix. A technician sees no sales: neither orders, events and quarantined events, nor stock.
pub(super) const ROUTES: &[Route] = &[
    route("GET", "/healthz", Who::Anybody),
    route("GET", "/metrics", ALL),
    route("GET", OPENAPI, Who::Anybody),
    route("POST", "/v1/enroll", Who::Anybody),
    route("POST", "/v1/login", Who::Anybody),
    route("POST", "/v1/enrolment-codes", SERVICE),
    route("GET", "/claim", Who::Anybody),
    route("POST", "/v1/claims", Who::Anybody),
    route("POST", "/v1/claims/poll", Who::Anybody),
    route("POST", "/v1/claims/approve", SERVICE),
    route("POST", "/v1/kiosk/certificate", Who::Kiosk),
    route("PUT", "/v1/kiosk/files/{job}", Who::Kiosk),
    route("GET", "/v1/kiosk/catalogs/{rev}", Who::Kiosk),
    route("GET", "/v1/summary", ALL),
    route("GET", "/v1/kiosks", ALL),
    route("GET", "/v1/kiosks/{id}", ALL),
    route("PATCH", "/v1/kiosks/{id}", SERVICE),
    route("POST", "/v1/kiosks/{id}/decommission", RUN),
    route("GET", "/v1/kiosks/{id}/certificates", SERVICE),
    route("GET", "/v1/kiosks/{id}/quota", SALES),
    route("GET", "/v1/kiosks/{id}/twin", ALL),
    route("PATCH", "/v1/kiosks/{id}/twin", SERVICE),
    route("POST", "/v1/twins", SERVICE),
    route("GET", "/v1/filters", ALL),
    route("PUT", "/v1/filters/{name}", SERVICE),
    route("DELETE", "/v1/filters/{name}", SERVICE),
    route("GET", "/v1/sites", ALL),
    route("POST", "/v1/sites", ADMIN),
    route("PATCH", "/v1/sites/{id}", ADMIN),
    route("GET", "/v1/orders", SALES),
    route("GET", "/v1/orders/{id}", SALES),
    route("GET", "/v1/stock", SALES),
    route("POST", "/v1/stock/counts", RUN),
    route("POST", "/v1/stock/receipts", RUN),
    route("GET", "/v1/tasks", ALL),
    route("POST", "/v1/tasks/{id}/done", SERVICE),
    route("GET", "/v1/quarantine", RUN),
    route("POST", "/v1/quarantine/{id}/release", RUN),
    route("POST", "/v1/quarantine/{id}/discard", RUN),
    route("GET", "/v1/events", SALES),
    route("GET", "/v1/audit", ADMIN),
    route("GET", "/v1/audit/verify", ADMIN),
    route("GET", "/v1/jobs", SERVICE),
    route("POST", "/v1/jobs", SERVICE),
    route("GET", "/v1/jobs/{id}", SERVICE),
    route("GET", "/v1/jobs/{id}/file", SERVICE),
    route("GET", "/v1/catalogs", ALL),
    route("POST", "/v1/catalogs", RUN),
    route("GET", "/v1/catalogs/{rev}", ALL),
    route("POST", "/v1/catalogs/{rev}/push", RUN),
    route("GET", "/v1/kiosk/updates/{folder}/{file}", Who::Kiosk),
    route("GET", "/v1/kiosk/updates/images/{image}/{file}", Who::Kiosk),
    route("GET", "/v1/releases", ALL),
    route("POST", "/v1/releases", ADMIN),
    route("GET", "/v1/releases/files", ADMIN),
    route("PUT", "/v1/releases/files", ADMIN),
    route("GET", "/v1/releases/{model}/{number}", ALL),
    route("DELETE", "/v1/releases/{model}/{number}", ADMIN),
    route("GET", "/v1/update-freeze", ALL),
    route("PUT", "/v1/update-freeze", ADMIN),
    route("DELETE", "/v1/update-freeze", ADMIN),
    route("GET", "/v1/rollouts", ALL),
    route("POST", "/v1/rollouts", RUN),
    route("GET", "/v1/rollouts/{id}", ALL),
    route("GET", "/v1/rollouts/{id}/kiosks", ALL),
    route("POST", "/v1/rollouts/{id}/approve", RUN),
    route("POST", "/v1/rollouts/{id}/pause", RUN),
    route("POST", "/v1/rollouts/{id}/resume", RUN),
    route("POST", "/v1/rollouts/{id}/halt", RUN),
    route("POST", "/v1/rollouts/{id}/rollback", RUN),
    route("GET", "/v1/releases/{model}/{number}/bundle", ALL),
    route("PUT", "/v1/releases/{model}/{number}/bundle", ADMIN),
    route("POST", "/v1/releases/{model}/{number}/bundle", ADMIN),
    route("POST", "/v1/hawkbit-devices", SERVICE),
    route("GET", "/{tenant}/controller/v1/{device}", Who::Foreign),
    route("PUT", "/{tenant}/controller/v1/{device}/configData", Who::Foreign),
    route("GET", "/{tenant}/controller/v1/{device}/deploymentBase/{action}", Who::Foreign),
    route("POST", "/{tenant}/controller/v1/{device}/deploymentBase/{action}/feedback", Who::Foreign),
    route("GET", "/{tenant}/controller/v1/{device}/cancelAction/{action}", Who::Foreign),
    route("POST", "/{tenant}/controller/v1/{device}/cancelAction/{action}/feedback", Who::Foreign),
    route("GET", "/{tenant}/controller/v1/{device}/softwaremodules/{action}/artifacts/{file}", Who::Foreign),
    route("GET", "/v1/tokens", ADMIN),
    route("POST", "/v1/tokens", ADMIN),
    route("DELETE", "/v1/tokens/{id}", ADMIN),
    route("GET", "/v1/people", ADMIN),
    route("POST", "/v1/people", ADMIN),
    route("PATCH", "/v1/people/{id}", ADMIN),
    route("GET", "/v1/me", ALL),
    route("POST", "/v1/me/password", ALL),
    route("POST", "/v1/logout", ALL),
    route("GET", "/v1/stream", ALL),
];

/// Whether a role sees what customers bought.
pub(super) fn sees_sales(role: Role) -> bool {
    role != Role::Technician
}

/// Who may call this route; `None`: nobody.
pub(super) fn who(method: &str, path: &str) -> Option<Who> {
    // A HEAD is answered by what answers GET.
    let method = if method == "HEAD" { "GET" } else { method };
    ROUTES.iter().find(|row| row.method == method && row.path == path).map(|row| row.who)
}

/// Writes into the document who may call what, and how failures look.
pub(super) fn describe(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let (Some(operation), Some(who)) = (operation.as_mut(), who(method, path)) {
                describe_one(operation, who);
                if matches!(who, Who::People(_)) && method != "GET" {
                    operation.parameters.get_or_insert_default().push(idempotency_key().into());
                }
            }
        }
    }
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "Names the request for a day: asked twice, it is done once and answered alike. Its body has at most \
             256 KiB then.",
        ))
        .schema(Some(
            ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(200)),
        ))
        .build()
}

fn describe_one(operation: &mut Operation, who: Who) {
    let none: [String; 0] = [];
    match who {
        Who::Anybody => {}
        Who::Foreign => operation.security = Some(vec![SecurityRequirement::new("target token", none)]),
        Who::Kiosk => operation.security = Some(vec![SecurityRequirement::new("certificate", none)]),
        Who::People(roles) => {
            operation.security = Some(vec![SecurityRequirement::new("token", none)]);
            let words: Vec<String> = roles.iter().map(wire_name).collect();
            operation.extensions = Some(Extensions::builder().add("x-roles", json!(words)).build());
        }
    }
    use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
    let problem = ResponseBuilder::new()
        .description("Not done; the problem says why and what to do next")
        .content(
            "application/problem+json",
            ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
        )
        .build();
    for status in ["4XX", "5XX"] {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem.clone().into());
    }
}
