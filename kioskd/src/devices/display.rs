//! The line display's actor. A display has no answer: it shows the newest text, again and again.

use domain::effect::DisplayEffect;
use hal::display::{CustomerDisplay, DisplayError, DisplayProfile, LineDisplay as _, Screen};
use hal::link::Endpoint;
use hal::status::DeviceState;
use tokio::sync::mpsc::Receiver;

use super::life::Life;
use crate::settings::{Device, DisplayDialect, WrongValue};

/// The display as configured.
pub(super) struct Actor {
    endpoint: Endpoint,
    profile: DisplayProfile,
}

impl Actor {
    pub(super) fn new(settings: &Device) -> Result<Self, WrongValue> {
        let profile = match settings.dialect {
            DisplayDialect::Cd5220 => DisplayProfile::cd5220(),
            DisplayDialect::Epson => DisplayProfile::epson(),
        };
        Ok(Self { endpoint: super::endpoint("display.endpoint", &settings.endpoint)?, profile })
    }

    pub(super) async fn run(self, mut life: Life, mut texts: Receiver<DisplayEffect>) {
        let mut shutdown = life.shutdown();
        let mut screen = Screen::default();
        while !shutdown.is_set() {
            tokio::select! {
                error = self.connected(&mut life, &mut texts, &mut screen) => {
                    if let Some(error) = error {
                        life.failed(&error);
                        life.enter(DeviceState::Absent);
                    }
                }
                () = shutdown.wait() => return,
            }
            let pause = life.rest();
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    () = shutdown.wait() => return,
                    text = texts.recv() => match text {
                        Some(text) => screen = to_screen(&text),
                        None => return,
                    },
                }
            }
        }
    }

    async fn connected(
        &self,
        life: &mut Life,
        texts: &mut Receiver<DisplayEffect>,
        screen: &mut Screen,
    ) -> Option<DisplayError> {
        let link = life.open(&self.endpoint).await?;
        let mut display = match CustomerDisplay::connect(link, self.profile.clone()).await {
            Ok(display) => display,
            Err(error) => return Some(error),
        };
        life.enter(DeviceState::Ready);
        let error = loop {
            if let Err(error) = display.show(screen).await {
                break error;
            }
            tokio::select! {
                error = display.keep() => break error,
                text = texts.recv() => match text {
                    Some(text) => *screen = to_screen(&text),
                    // The core is gone, and with it the program.
                    None => std::future::pending().await,
                },
            }
        };
        life.count(display.traffic());
        Some(error)
    }
}

fn to_screen(effect: &DisplayEffect) -> Screen {
    match effect {
        DisplayEffect::Show { upper, lower } => Screen::new(&**upper, &**lower),
    }
}
