//! A real screen on its own thread, and its mirror on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use slint::ComponentHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use ui::backend::mirror::{Compression, Mirror, Token};
use ui::backend::{BackendKind, Panel, ScreenInfo, SystemClock};
use ui::shell::{IntentRefused, IntentSink, Options, Ports, Screen, Shell, UiHandle};

pub const WIDTH: u32 = 120;
pub const HEIGHT: u32 = 200;
/// Generous, because the machine may be busy, and shorter than the mirror's pings, so that none of them hides a
/// wake-up that was lost.
pub const LIMIT: Duration = Duration::from_secs(12);

slint::slint! {
    export component Page inherits Window {
        in property <color> tint;
        in property <int> page: 1;
        out property <bool> wants-text: TextInputInterface.text-input-focused;
        callback tapped();
        callback typed(string);
        background: white;
        Rectangle {
            x: 20px; y: 10px; width: 40px; height: 30px;
            background: touch.pressed ? #ff0000 : #00ff00;
            touch := TouchArea { clicked => { tapped(); } }
        }
        Rectangle { x: 0px; y: 150px; width: 120px; height: 50px; background: tint; }
        field := TextInput {
            x: 10px; y: 60px; width: 100px; height: 24px;
            edited => { typed(self.text); }
        }
    }
}

/// What the core would say: which page, in which colour.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub page: &'static str,
    pub rev: u64,
    pub tint: u32,
}

/// What the customer wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    Tapped,
    Typed(String),
    Active,
}

struct TestScreen {
    page: Page,
    sink: IntentSink<Intent>,
}

impl Screen for TestScreen {
    type View = View;

    fn window(&self) -> &slint::Window {
        self.page.window()
    }

    fn apply(&self, view: &View) -> ScreenInfo {
        self.page.set_tint(slint::Color::from_argb_encoded(0xFF00_0000 | view.tint));
        ScreenInfo { id: view.page.into(), rev: view.rev, say: format!("This is {}", view.page) }
    }

    fn wants_text(&self) -> bool {
        self.page.get_wants_text()
    }

    fn on_activity(&self) {
        self.sink.send(Intent::Active);
    }
}

fn build(sink: IntentSink<Intent>) -> Result<TestScreen, slint::PlatformError> {
    let page = Page::new()?;
    let taps = sink.clone();
    page.on_tapped(move || taps.send(Intent::Tapped));
    let typed = sink.clone();
    page.on_typed(move |text| typed.send(Intent::Typed(text.into())));
    Ok(TestScreen { page, sink })
}

/// A running kiosk screen with its mirror.
pub struct Kiosk {
    pub ui: UiHandle<View>,
    pub intents: Receiver<Intent>,
    pub mirror: Mirror,
    pub address: SocketAddr,
    screen: Option<JoinHandle<()>>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
}

impl Kiosk {
    /// Starts everything; room for `intents` Intents.
    pub async fn start(compression: Compression, intents: usize) -> Self {
        let (sender, receiver) = sync_channel(intents);
        let shell = Shell::<View>::new(Options {
            backend: BackendKind::Headless,
            panel: Panel::new(WIDTH, HEIGHT, 0.5).unwrap(),
            clock: Arc::new(SystemClock),
        })
        .unwrap();
        let ui = shell.handle();
        let screen = std::thread::spawn(move || shell.run(ports(sender), build).unwrap());

        let mirror = Mirror::new(Arc::clone(ui.hub()), ui.input(), compression);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = mirror.clone();
        let served = tokio::spawn(async move {
            let shutdown = async {
                stopped.await.ok();
            };
            serving.serve(listener, shutdown).await.unwrap();
        });
        Self {
            ui,
            intents: receiver,
            mirror,
            address,
            screen: Some(screen),
            stop: Some(stop),
            served: Some(served),
        }
    }

    /// Ends the mirror and waits for it.
    pub async fn stop_mirror(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(served) = self.served.take() {
            served.await.unwrap();
        }
    }

    pub fn token(&self) -> Token {
        self.mirror.invite()
    }

    pub fn publish(&self, page: &'static str, rev: u64, tint: u32) {
        self.ui.publish(Arc::new(View { page, rev, tint }));
    }

    /// Waits until the View of this revision was drawn.
    pub async fn until_drawn(&self, rev: u64) {
        let mut screen = self.ui.hub().screen();
        let drawn = screen.wait_for(|info| info.rev == rev);
        tokio::time::timeout(LIMIT, drawn).await.expect("the View is drawn").expect("the hub lives");
    }

    pub fn snapshot(&self) -> Vec<u8> {
        self.ui.hub().snapshot(LIMIT).unwrap().rgba
    }

    /// Waits for an Intent other than activity.
    pub fn intent(&self) -> Intent {
        loop {
            match self.intents.recv_timeout(LIMIT).expect("an Intent") {
                Intent::Active => (),
                intent @ (Intent::Tapped | Intent::Typed(_)) => return intent,
            }
        }
    }
}

impl Drop for Kiosk {
    fn drop(&mut self) {
        self.ui.quit();
        if let Some(screen) = self.screen.take() {
            let ended = screen.join();
            if !std::thread::panicking() {
                ended.expect("the screen's thread ends in order");
            }
        }
    }
}

fn ports(sender: SyncSender<Intent>) -> Ports<Intent> {
    let intents = Box::new(move |intent| sender.try_send(intent).map_err(|_| IntentRefused));
    Ports { intents, pointers: Vec::new() }
}
