//! The device actors: each owns one device, takes jobs from a bounded queue, tells the core what happened,
//! and opens its device again after a loss, for ever. A device that fails never ends the program.

mod display;
mod jam;
mod kitchen;
mod life;
mod logo;
pub mod paper;
mod press;
mod printer;
mod scanner;
mod sensors;
mod terminal;
mod voice;

use std::cell::RefCell;
use std::path::Path;

use hal::link::Endpoint;
use hal::printer::TextShaper;
pub(crate) use paper::paper;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::sync::watch;

use crate::board::Board;
use crate::clock::ShopClock;
use crate::core::CoreHandle;
use crate::router::{DEVICE_QUEUE, Queues};
use crate::settings::{Sensors, Settings, WrongValue};
use crate::supervisor::{Shutdown, Supervisor};
use life::Life;
use sensors::Role;

/// What every actor needs.
#[derive(Clone)]
struct Context {
    core: CoreHandle,
    board: Board,
    clock: ShopClock,
}

impl Context {
    /// Tells the core. A full queue is logged there; the device reports its state again later.
    fn tell(&self, input: domain::Input) {
        if self.core.send(input).is_err() {
            tracing::error!("the core did not take a device's report");
        }
    }
}

/// Checks the settings of every device without opening one.
///
/// # Errors
/// A setting makes no sense.
pub(crate) fn check(settings: &Settings) -> Result<(), WrongValue> {
    settings.terminal.as_ref().map(terminal::Actor::new).transpose()?;
    settings.printer.as_ref().map(|it| printer::Actor::new(it, settings.drawer, None)).transpose()?;
    settings.kitchen.as_ref().map(kitchen::Actor::new).transpose()?;
    settings.display.as_ref().map(display::Actor::new).transpose()?;
    settings.scanner.as_ref().map(scanner::Actor::new).transpose()?;
    contacts(settings)?;
    settings.sensors.temperature.as_ref().map(sensors::Temperature::new).transpose()?;
    settings.light.as_ref().map(sensors::Lighting::new).transpose()?;
    settings.voice.as_ref().map(voice::Actor::new).transpose()?;
    Ok(())
}

/// Starts an actor for every device in the settings.
///
/// # Errors
/// A setting makes no sense, named with its key.
pub fn start(
    settings: &Settings,
    core: &CoreHandle,
    board: &Board,
    clock: &ShopClock,
    supervisor: &Supervisor,
) -> anyhow::Result<Queues> {
    let context = Context { core: core.clone(), board: board.clone(), clock: clock.clone() };
    let mut queues = Queues::default();
    if let Some(terminal) = &settings.terminal {
        let actor = terminal::Actor::new(terminal)?;
        queues.terminal = Some(spawn(supervisor, "terminal", &context, |life, jobs| actor.run(life, jobs)));
    }
    if let Some(printer) = &settings.printer {
        let logo = settings.shop.logo.as_deref().and_then(logo::read);
        let actor = printer::Actor::new(printer, settings.drawer, logo)?;
        queues.printer = Some(spawn(supervisor, "printer", &context, |life, jobs| actor.run(life, jobs)));
    }
    if let Some(kitchen) = &settings.kitchen {
        let actor = kitchen::Actor::new(kitchen)?;
        queues.kitchen = Some(spawn(supervisor, "kitchen", &context, |life, jobs| actor.run(life, jobs)));
    }
    if let Some(display) = &settings.display {
        let actor = display::Actor::new(display)?;
        queues.display = Some(spawn(supervisor, "display", &context, |life, jobs| actor.run(life, jobs)));
    }
    if let Some(light) = &settings.light {
        let (cues, follows) = watch::channel(false);
        let actor = sensors::Lighting::new(light)?;
        listen(supervisor, "light", &context, |life| actor.run(life, follows));
        queues.light = Some(cues);
    }
    if let Some(scanner) = &settings.scanner {
        let actor = scanner::Actor::new(scanner)?;
        listen(supervisor, "scanner", &context, |life| actor.run(life));
    }
    for (name, contact) in contacts(settings)? {
        listen(supervisor, name, &context, |life| contact.run(life));
    }
    if let Some(temperature) = &settings.sensors.temperature {
        let actor = sensors::Temperature::new(temperature)?;
        listen(supervisor, "temperature", &context, |life| actor.run(life));
    }
    if let Some(settings) = &settings.voice {
        queues.voice = Some(voice::Actor::new(settings)?.start(&context, supervisor)?);
    }
    Ok(queues)
}

/// The contacts that there are, with their names.
fn contacts(settings: &Settings) -> Result<Vec<(&'static str, sensors::Contact)>, WrongValue> {
    let Sensors { presence, door, tamper, .. } = &settings.sensors;
    let all = [(Role::Presence, presence), (Role::Door, door), (Role::Tamper, tamper)];
    let made = all
        .into_iter()
        .filter_map(|(role, it)| it.as_ref().map(|it| Ok((role.name(), sensors::Contact::new(role, it)?))));
    made.collect()
}

/// Starts an actor that takes no jobs.
fn listen<F>(supervisor: &Supervisor, name: &'static str, context: &Context, run: impl FnOnce(Life) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let actor = run(Life::new(name, context.clone(), supervisor.shutdown()));
    supervisor.task(name, async move {
        actor.await;
        Ok(())
    });
}

/// Starts an actor with its queue.
fn spawn<T: Send + 'static, F>(
    supervisor: &Supervisor,
    name: &'static str,
    context: &Context,
    run: impl FnOnce(Life, Receiver<T>) -> F,
) -> tokio::sync::mpsc::Sender<T>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, jobs) = channel(DEVICE_QUEUE);
    listen(supervisor, name, context, |life| run(life, jobs));
    sender
}

/// An endpoint from the settings.
fn endpoint(key: &'static str, text: &str) -> Result<Endpoint, WrongValue> {
    let parsed: Result<Endpoint, _> = text.parse();
    parsed.map_err(|error| WrongValue::because(key, anyhow::Error::new(error).context(format!("{text:?}"))))
}

/// The screen's own fonts, which have Latin, Greek, Cyrillic and Arabic.
const RECEIPT_FONTS: [&[u8]; 2] = [
    include_bytes!("../../ui/assets/fonts/KioskSans-Regular.ttf"),
    include_bytes!("../../ui/assets/fonts/KioskSans-Bold.ttf"),
];

/// Whether receipts have a shape for a character; their fonts are those of the screen.
pub(crate) fn can_show() -> impl Fn(char) -> bool {
    let shaper = RefCell::new(shaper());
    move |character| shaper.borrow_mut().as_mut().is_none_or(|shaper| shaper.can_show(character))
}

/// Checks what is to stand at the top of receipts.
///
/// # Errors
/// What is wrong with the picture.
pub fn check_logo(path: &Path) -> anyhow::Result<()> {
    logo::dots(path).map(drop)
}

/// Shapes the lines that a printer has no characters for. Without fonts such characters print as `?`.
fn shaper() -> Option<TextShaper> {
    TextShaper::new(RECEIPT_FONTS).map_err(|error| tracing::error!(%error, "no font for receipts")).ok()
}
