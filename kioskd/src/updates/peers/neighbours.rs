//! Who is on the site's network and has, or fetches, the file that is wanted here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::shelf::Shelf;
use crate::clock::ShopClock;
use crate::settings;

/// How often is asked while something is wanted, at least.
const ASK: Duration = Duration::from_secs(2);
/// After so long without a word of it a neighbour is gone.
const HEARD: Duration = Duration::from_secs(7);
/// After so long without a new piece somebody who fetches is not waited for.
const GREW: Duration = Duration::from_secs(20);
/// For how long a neighbour that does not do what it says is not asked, or not waited for.
const SHUNNED: Duration = Duration::from_secs(600);
/// After so long without a question for a piece nothing is wanted any more.
const WANTED: Duration = Duration::from_secs(60);
/// Neighbours that are kept.
const KEPT: usize = 32;
/// Bytes of a message.
const WORD_MAX: usize = 1024;
/// Letters of a name.
const ID_MAX: usize = 64;
/// Questions that are answered in [`ASK`].
const ANSWERS_MAX: u32 = 100;
/// How often we join the group anew.
const JOIN: Duration = Duration::from_secs(60);

/// What kiosks say to each other, as JSON in one datagram.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Word {
    /// 1. What has another version is not for us.
    v: u8,
    /// Who says it: anything that nobody else is called.
    id: String,
    /// Path in the repository.
    file: String,
    /// How many pieces of it are there.
    has: u64,
    /// Since when it is being fetched, in ms since 1970 by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    began: Option<u64>,
    /// Where pieces are to be had.
    port: u16,
    /// It is an answer, to nobody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    answer: bool,
}

/// See the module's description.
pub(super) struct Neighbours {
    shared: Arc<Shared>,
    clock: ShopClock,
}

struct Shared {
    id: String,
    port: u16,
    group: SocketAddrV4,
    shelf: Shelf,
    table: Mutex<Table>,
    ask: Notify,
}

#[derive(Default)]
struct Table {
    wanted: Option<Wanted>,
    known: BTreeMap<SocketAddr, Neighbour>,
    /// Whoever did not do what it said.
    shunned: BTreeMap<SocketAddr, Instant>,
}

struct Wanted {
    file: String,
    began: u64,
    last: Instant,
}

struct Neighbour {
    id: String,
    has: u64,
    began: Option<u64>,
    heard: Instant,
    grew: Instant,
    /// It is not waited for up to then.
    passed_over: Instant,
}

impl Neighbours {
    /// The neighbours, and what has to run for them to be known.
    pub(super) fn new(
        settings: &settings::Peers,
        port: u16,
        shelf: Shelf,
        clock: ShopClock,
    ) -> anyhow::Result<(Self, impl Future<Output = ()> + Send + use<>)> {
        let interface = *settings.listen.ip();
        let group = settings.group;
        let heard = group_socket(group).with_context(|| format!("listen to {group}"))?;
        let own = own_socket(interface).with_context(|| format!("speak from {interface}"))?;
        let id = uuid::Uuid::now_v7().to_string();
        let (table, ask) = (Mutex::default(), Notify::new());
        let shared = Arc::new(Shared { id, port, group, shelf, table, ask });
        let listening = listen(Arc::clone(&shared), heard, own, interface);
        Ok((Self { shared, clock }, listening))
    }

    /// This file is wanted now; whether that is new.
    pub(super) fn want(&self, file: &str) -> bool {
        let began = u64::try_from(self.clock.now().wall.0).unwrap_or(0);
        let (mut table, last) = (self.shared.table(), Instant::now());
        if let Some(wanted) = table.wanted.as_mut().filter(|it| it.file == file) {
            wanted.last = last;
            return false;
        }
        table.known.clear();
        table.wanted = Some(Wanted { file: file.to_owned(), began, last });
        self.shared.ask.notify_one();
        true
    }

    /// Nothing is wanted any more.
    pub(super) fn rest(&self) {
        self.shared.table().wanted = None;
    }

    /// Who has most of it.
    pub(super) fn best(&self, most: usize) -> Vec<SocketAddr> {
        let table = self.shared.table();
        let mut best: Vec<_> = table.usable().filter(|(_, it)| it.has > 0 || it.began.is_some()).collect();
        best.sort_by_key(|(_, it)| std::cmp::Reverse(it.has));
        best.into_iter().take(most).map(|(address, _)| address).collect()
    }

    /// Who began to fetch it before us and gets on with it.
    pub(super) fn leader(&self) -> Option<SocketAddr> {
        self.shared.table().leader(&self.shared.id)
    }

    /// It does not do what it says.
    pub(super) fn shun(&self, address: SocketAddr) {
        let mut table = self.shared.table();
        table.shunned.retain(|_, until| *until > Instant::now());
        if table.shunned.len() < KEPT {
            table.shunned.insert(address, Instant::now() + SHUNNED);
        }
        table.known.remove(&address);
    }

    /// It gets on, but not with what is wanted here.
    pub(super) fn pass_over(&self, address: SocketAddr) {
        if let Some(neighbour) = self.shared.table().known.get_mut(&address) {
            neighbour.passed_over = Instant::now() + SHUNNED;
        }
    }
}

impl Table {
    fn usable(&self) -> impl Iterator<Item = (SocketAddr, &Neighbour)> {
        let now = Instant::now();
        let all = self.known.iter().map(|(address, it)| (*address, it));
        all.filter(move |(_, it)| now.duration_since(it.heard) < HEARD)
    }

    fn leader(&self, id: &str) -> Option<SocketAddr> {
        let began = self.wanted.as_ref()?.began;
        let rank = |it: &Neighbour| it.began.map(|began| (began, it.id.clone()));
        let now = Instant::now();
        let goes_on = self.usable().filter(|(_, it)| it.grew + GREW > now && it.passed_over <= now);
        let leads = goes_on.filter_map(|(address, it)| Some((rank(it)?, address)));
        leads.min().filter(|(rank, _)| *rank < (began, id.to_owned())).map(|(_, address)| address)
    }

    /// Takes what a neighbour says of the file that is wanted here.
    fn note(&mut self, word: Word, from: IpAddr) {
        let (now, address) = (Instant::now(), SocketAddr::new(from, word.port));
        if self.wanted.as_ref().is_none_or(|wanted| wanted.file != word.file)
            || self.shunned.get(&address).is_some_and(|until| *until > now)
        {
            return;
        }
        let Word { id, has, began, .. } = word;
        if let Some(known) = self.known.get_mut(&address) {
            if has > known.has {
                known.grew = now;
            }
            (known.has, known.began, known.heard) = (has, began, now);
            return;
        }
        self.known.retain(|_, it| it.heard + HEARD > now);
        if self.known.len() < KEPT {
            let neighbour = Neighbour { id, has, began, heard: now, grew: now, passed_over: now };
            self.known.insert(address, neighbour);
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that is wanted, and since when it is.
    fn wanted(&self) -> Option<(String, u64)> {
        let mut table = self.table();
        if table.wanted.as_ref().is_some_and(|wanted| wanted.last.elapsed() > WANTED) {
            table.wanted = None;
        }
        table.wanted.as_ref().map(|wanted| (wanted.file.clone(), wanted.began))
    }

    async fn word(&self, file: String, began: Option<u64>, answer: bool) -> Vec<u8> {
        let has = self.shelf.held(&file).await;
        let word = Word { v: 1, id: self.id.clone(), file, has, began, port: self.port, answer };
        serde_json::to_vec(&word).unwrap_or_default()
    }

    async fn ask(&self, own: &UdpSocket) {
        let Some((file, began)) = self.wanted() else { return };
        let word = self.word(file, Some(began), false).await;
        if let Err(error) = own.send_to(&word, self.group).await {
            tracing::debug!(%error, "the neighbours cannot be asked");
        }
    }

    /// What to answer to a word; `None`: nothing.
    async fn hear(&self, bytes: &[u8], from: IpAddr) -> Option<Vec<u8>> {
        let word: Word = serde_json::from_slice(bytes).ok().filter(|it: &Word| it.v == 1)?;
        if word.id == self.id || word.id.len() > ID_MAX || !is_near(from) {
            return None;
        }
        let (file, is_answer) = (word.file.clone(), word.answer);
        self.table().note(word, from);
        if is_answer {
            return None;
        }
        let began = self.wanted().filter(|(wanted, _)| *wanted == file).map(|(_, began)| began);
        if began.is_none() && self.shelf.held(&file).await == 0 {
            return None;
        }
        Some(self.word(file, began, true).await)
    }
}

async fn listen(shared: Arc<Shared>, group: UdpSocket, own: UdpSocket, interface: Ipv4Addr) {
    let (mut ask, mut join) = (tokio::time::interval(ASK), tokio::time::interval(JOIN));
    for interval in [&mut ask, &mut join] {
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let (mut asked, mut answered) = ([0; WORD_MAX], [0; WORD_MAX]);
    let mut answers = 0;
    loop {
        let (bytes, from) = tokio::select! {
            Ok((length, from)) = group.recv_from(&mut asked) => (&asked[..length], from),
            Ok((length, from)) = own.recv_from(&mut answered) => (&answered[..length], from),
            _ = join.tick() => {
                // The network may come after us, or be another one now; where we are in it already, that is said.
                drop(group.join_multicast_v4(*shared.group.ip(), interface));
                continue;
            }
            _ = ask.tick() => {
                answers = 0;
                shared.ask(&own).await;
                continue;
            }
            () = shared.ask.notified() => {
                shared.ask(&own).await;
                continue;
            }
        };
        if answers < ANSWERS_MAX
            && let Some(answer) = shared.hear(bytes, from.ip()).await
        {
            answers += 1;
            // Whoever asked asks again.
            drop(own.send_to(&answer, from).await);
        }
    }
}

/// Whether an address is one of a site's own network.
fn is_near(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(it) if it.is_private() || it.is_link_local() || it.is_loopback())
}

/// Hears what is said to the group.
fn group_socket(group: SocketAddrV4) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&group.into())?;
    UdpSocket::from_std(socket.into())
}

/// Speaks to the group, and hears answers.
fn own_socket(interface: Ipv4Addr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddrV4::new(interface, 0).into())?;
    UdpSocket::from_std(socket.into())
}
