//! The connections of the admin socket. Whoever is silent never keeps others out: there is a limit for all
//! connections that wait for their client, and at the limit the one that came first gives way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot};

use super::wire::{Answer, Request};

/// Largest request: a catalog document with its frame.
const REQUEST_MAX: u64 = 20 * 1024 * 1024;

/// Requests answered at the same time; a tool sends one.
const ANSWERS: usize = 8;

/// Open connections. Some people with some windows need a few; a request that is there already when its
/// connection is accepted is read at once, so only silent ones are ever shed.
const CONNECTIONS: usize = 32;

/// No connection lasts longer: an import of the largest catalog takes seconds.
const LASTS_MAX: Duration = Duration::from_secs(30);

/// Serves one request per connection until the listener fails. `respond` gets the request and the name of the
/// user who asks.
pub(super) async fn serve<R, F>(listener: UnixListener, respond: R) -> anyhow::Result<()>
where
    R: Fn(Request, String) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send,
{
    let places = Arc::new(Semaphore::new(ANSWERS));
    // The oldest first. A connection that ended has dropped its end.
    let mut open: VecDeque<oneshot::Sender<()>> = VecDeque::new();
    loop {
        let (stream, _) = listener.accept().await?;
        open.retain(|connection| !connection.is_closed());
        if open.len() >= CONNECTIONS && open.pop_front().is_some() {
            tracing::warn!("too many tools at the admin socket; the one that came first was shed");
        }
        let (keep, shed) = oneshot::channel();
        open.push_back(keep);
        let connection = Connection { shed, places: Arc::clone(&places) };
        let respond = respond.clone();
        #[expect(clippy::disallowed_methods, reason = "ends by itself after one request, within limits")]
        tokio::spawn(async move {
            if let Err(error) = tokio::time::timeout(LASTS_MAX, connection.serve(stream, respond)).await {
                tracing::debug!(%error, "a tool was too slow");
            }
        });
    }
}

/// What a connection shares with the door.
struct Connection {
    /// Resolves when this connection has to give way.
    shed: oneshot::Receiver<()>,
    places: Arc<Semaphore>,
}

impl Connection {
    async fn serve<R, F>(mut self, stream: UnixStream, respond: R)
    where
        R: Fn(Request, String) -> F,
        F: Future<Output = Answer>,
    {
        let user = stream.peer_cred().map_or_else(|_| "unknown".into(), |peer| user_name(peer.uid()));
        let (read, mut write) = stream.into_split();
        let Some(request) = self.unless_shed(request(read)).await else { return };
        let answer = match request {
            Ok(request) => {
                let places = Arc::clone(&self.places);
                // Held while answering only: a client that does not read its answer keeps nobody waiting.
                let Some(Ok(_place)) = self.unless_shed(places.acquire()).await else { return };
                respond(request, user).await
            }
            Err(message) => Answer::error(message),
        };
        let mut text = serde_json::to_string(&answer).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"));
        text.push('\n');
        if let Some(Err(error)) = self.unless_shed(write.write_all(text.as_bytes())).await {
            tracing::debug!(%error, "a tool went away");
        }
    }

    /// What comes of it, or nothing if the connection has to give way before. Work that can go on goes on.
    async fn unless_shed<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            _ = &mut self.shed => None,
        }
    }
}

async fn request(read: tokio::net::unix::OwnedReadHalf) -> Result<Request, String> {
    let mut line = String::new();
    let result = BufReader::new(read.take(REQUEST_MAX)).read_line(&mut line).await;
    result.map_err(|error| error.to_string())?;
    serde_json::from_str(&line).map_err(|error| format!("the request cannot be read: {error}"))
}

fn user_name(uid: u32) -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| format!("uid {uid}"), |user| user.name)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream as Client;
    use std::path::{Path, PathBuf};

    use super::super::client::ask;
    use super::*;

    /// Longer than everything here takes, and shorter than [`LASTS_MAX`]: whoever is served in time did not
    /// wait for a silent one to end.
    const SOON: Duration = Duration::from_secs(15);

    /// A door that answers everything with the name of the request; a catalog with so many bytes.
    struct Door {
        socket: PathBuf,
        _runtime: tokio::runtime::Runtime,
        _dir: tempfile::TempDir,
    }

    impl Door {
        fn open() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let socket = dir.path().join("admin.sock");
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let listener = {
                let _inside = runtime.enter();
                UnixListener::bind(&socket).unwrap()
            };
            runtime.spawn(serve(listener, |request, _user| async move {
                match request {
                    Request::CatalogShow => Answer::ok("x".repeat(4 << 20)),
                    other => Answer::ok(format!("{other:?}")),
                }
            }));
            Self { socket, _runtime: runtime, _dir: dir }
        }
    }

    fn connect(socket: &Path) -> Client {
        let client = Client::connect(socket).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        client
    }

    #[test]
    fn silent_connections_do_not_keep_a_working_one_waiting() {
        let door = Door::open();
        let silent: Vec<Client> = (0..3 * CONNECTIONS).map(|_| connect(&door.socket)).collect();
        assert_eq!(ask(&door.socket, &Request::Status).unwrap(), "Status");
        let mut ended = &silent[0];
        assert_eq!(ended.read(&mut [0]).unwrap(), 0, "the first of the silent ones was shed");
        // The youngest is still there and may ask.
        let mut youngest = silent.last().unwrap();
        youngest.write_all(b"{\"cmd\":\"devices\"}\n").unwrap();
        let mut answer = [0; 16];
        youngest.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"{\"ok\":\"Devices\"}");
    }

    #[test]
    fn half_a_request_is_silence_too() {
        let door = Door::open();
        let halves: Vec<Client> = (0..2 * CONNECTIONS)
            .map(|_| {
                let mut client = connect(&door.socket);
                // Fails for one that was shed already.
                drop(client.write_all(b"{\"cmd\":"));
                client
            })
            .collect();
        assert_eq!(ask(&door.socket, &Request::Devices).unwrap(), "Devices");
        drop(halves);
    }

    #[test]
    fn answers_that_nobody_reads_keep_nobody_waiting() {
        let door = Door::open();
        let deaf: Vec<Client> = (0..2 * ANSWERS)
            .map(|_| {
                let mut client = connect(&door.socket);
                client.write_all(b"{\"cmd\":\"catalog_show\"}\n").unwrap();
                client
            })
            .collect();
        // Each has its answer under way, so each has had its place.
        for mut client in &deaf {
            client.read_exact(&mut [0]).unwrap();
        }
        assert_eq!(ask(&door.socket, &Request::Status).unwrap(), "Status");
    }
}
