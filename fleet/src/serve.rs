//! A replica: migrates, then takes in what kiosks send and answers people. Any number of replicas may run;
//! what only one may do at a time goes to whoever holds its advisory lock.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use protocol::topic::ingest_filter;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::access;
use crate::audit;
use crate::database::{self, Database, DatabaseError, Server};
use crate::enrolment::revocation::{self, Reload};
use crate::http::listen::{TlsListener, bind, tls};
use crate::http::{self, Api};
use crate::hub::Hub;
use crate::ingest;
use crate::jobs;
use crate::people::session::Sessions;
use crate::pki::Authorities;
use crate::quota;
use crate::settings::Settings;
use crate::updates::keys::Keys;
use crate::updates::mirror;
use crate::updates::runner::Runner;
use crate::updates::store::Store;

/// How often the partitions of the coming days are looked after.
const DAYS_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// How often the certificate of HTTPS is made anew; it is good for a year.
const CERTIFICATE_INTERVAL: Duration = Duration::from_secs(30 * 24 * 3600);

/// What whoever starts a replica has for it.
#[derive(Default)]
pub struct Surroundings {
    /// Asked to let the broker read the list of revoked kiosks again.
    pub reload_broker: Option<mpsc::Sender<()>>,
    /// Where the first admin's token goes if it is not there: makes the first tenant, too.
    pub admin_token: Option<PathBuf>,
}

/// Where a replica answers, once it does.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Serving {
    /// Plain HTTP, on this machine.
    pub http: Option<SocketAddr>,
    /// HTTPS.
    pub https: Option<SocketAddr>,
}

/// Runs until it is dropped; says `ready` when the tables are up to date and work begins.
///
/// # Errors
/// The database cannot be brought up to date, or an address cannot be used.
pub async fn serve(
    settings: Settings,
    around: Surroundings,
    ready: impl FnOnce(Serving),
) -> anyhow::Result<()> {
    let server = |address: &str| Server::new(address, settings.database.ca.as_deref());
    let app = server(&settings.database.app).context("database.app in the settings")?;
    if let Some(owner) = &settings.database.owner {
        let owner = server(owner).context("database.owner in the settings")?;
        database::wait_for(&owner).await.context("database.owner in the settings")?;
        furnish(&owner, &app, around.admin_token.as_ref().or(settings.admin_token.as_ref())).await?;
    }
    let database = Database::new(&app)?;
    let authorities = Authorities::load(&settings.authorities).with_context(|| {
        format!("no authorities in {} (`fleetd init` makes them)", settings.authorities.display())
    })?;
    let authorities = Arc::new(authorities);
    let sessions = Arc::new(Sessions::load_or_create(&settings.authorities).context("no key of sessions")?);
    let keys = Arc::new(Keys::load_or_create(&settings.authorities).context("no keys for updates")?);
    let mut store = Store::new(&settings.releases(), keys.clone());
    if let Some(bucket) = &settings.updates.bucket {
        store = store.of_bucket(bucket).context("updates.bucket in the settings")?;
    }
    let hub = Hub::new();
    let mut tasks = JoinSet::new();
    for _ in 0..settings.ingest.workers {
        let source = ingest::worker::Source {
            broker: settings.broker.clone(),
            filter: ingest_filter(&authorities.fleet.share_group()),
            client_id: format!("fleetd-{}", uuid::Uuid::now_v7()),
        };
        tasks.spawn(ingest::worker::run(
            database.clone(),
            source,
            hub.clone(),
            settings.quota_lease_s,
            store.clone(),
        ));
    }
    tasks.spawn(look_after_days(database.clone()));
    tasks.spawn(audit::publish(database.clone()));
    tasks.spawn(hub.clone().hear(app.clone()));
    tasks.spawn(hub.clone().tell(database.clone()));
    tasks.spawn(jobs::run(database.clone(), settings.broker.clone(), hub.clone()));
    tasks.spawn(jobs::sweep(database.clone()));
    let runner = Runner {
        database: database.clone(),
        server: app,
        broker: settings.broker.clone(),
        store: store.clone(),
        keys,
        hub: hub.clone(),
    };
    tasks.spawn(runner.run());
    if settings.updates.bucket.is_some() {
        tasks.spawn(mirror::follow(store.clone()));
    }
    tasks.spawn(quota::run(database.clone(), hub.clone(), settings.quota_lease_s));
    let reload = match (around.reload_broker, &settings.broker_reload) {
        (Some(supervisor), _) => Reload::Supervisor(supervisor),
        (None, Some(command)) => Reload::Command(command.clone()),
        (None, None) => Reload::Nobody,
    };
    let folder = settings.authorities.clone();
    tasks.spawn(revocation::run(database.clone(), authorities.clone(), folder, hub.clone(), reload));
    let api = Api {
        database,
        broker: settings.broker.clone(),
        authorities,
        authorities_dir: settings.authorities.as_path().into(),
        broker_for_kiosks: settings.http.broker_for_kiosks.as_str().into(),
        hub,
        sessions,
        pace: Arc::default(),
        store,
    };
    ready(listen(&settings, api, &mut tasks).await?);
    match tasks.join_next().await {
        Some(Err(error)) => Err(error.into()),
        Some(Ok(())) | None => anyhow::bail!("a part of the replica ended"),
    }
}

/// Makes one more tenant, with a site and a token of its administrator in `token_file`; without a name only the token,
/// of a tenant that is there.
///
/// # Errors
/// The settings name no owner of the database, or there is one of this id, or the database or the disk refuses.
pub async fn add_tenant(
    settings: &Settings,
    id: &str,
    name: Option<&str>,
    token_file: &Path,
) -> anyhow::Result<()> {
    let owner = settings.database.owner.as_ref().context("the settings have no database.owner")?;
    let owner =
        Server::new(owner, settings.database.ca.as_deref()).context("database.owner in the settings")?;
    Ok(access::new_tenant(&owner, id, name, token_file).await?)
}

/// Brings the tables up to date and sees to it that there is somebody to let in.
async fn furnish(owner: &Server, app: &Server, admin_token: Option<&PathBuf>) -> anyhow::Result<()> {
    database::migrate(owner).await.context("database.owner in the settings")?;
    database::check_app(app).await.context("database.app in the settings")?;
    if let Some(file) = admin_token {
        if access::first_start(owner, file).await? {
            eprintln!("fleetd: the token of the first admin is in {}", file.display());
        }
    } else if access::is_nobody_there(owner).await? {
        tracing::warn!("there is no tenant yet: name a file as admin_token in the settings, and start again");
    }
    Ok(())
}

/// Opens the doors that the settings name.
async fn listen(settings: &Settings, api: Api, tasks: &mut JoinSet<()>) -> anyhow::Result<Serving> {
    let mut serving = Serving::default();
    let authorities = api.authorities.clone();
    let router = http::router(api);
    if let Some(address) = settings.http.listen {
        let listener = bind(address).await?;
        serving.http = Some(listener.local_addr()?);
        tasks.spawn(http::listen::serve(listener, router.clone()));
    }
    if let Some(address) = settings.http.tls_listen {
        let names = settings.http.names.clone();
        let (exchange, config) = watch::channel(tls(&authorities, &names)?);
        let listener = TlsListener::new(bind(address).await?, config)?;
        serving.https = Some(axum::serve::Listener::local_addr(&listener)?);
        tasks.spawn(http::listen::serve(listener, router));
        tasks.spawn(renew(authorities, names, exchange));
    }
    Ok(serving)
}

/// Makes the certificate of HTTPS anew, for ever.
async fn renew(
    authorities: Arc<Authorities>,
    names: Vec<String>,
    exchange: watch::Sender<Arc<rustls::ServerConfig>>,
) {
    loop {
        tokio::time::sleep(CERTIFICATE_INTERVAL).await;
        match tls(&authorities, &names) {
            Ok(config) => drop(exchange.send_replace(config)),
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no new certificate"),
        }
    }
}

/// Makes the partitions of the coming days, for ever. Two replicas that do it at once are no harm.
async fn look_after_days(database: Database) {
    loop {
        if let Err(error) = make_days(&database).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot make the coming days");
        }
        tokio::time::sleep(DAYS_INTERVAL).await;
    }
}

async fn make_days(database: &Database) -> Result<(), DatabaseError> {
    let connection = database.connection().await?;
    database::make_days(&connection).await
}
