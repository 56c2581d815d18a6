//! Where everything to press is on the pages of the demo, by its label: `ui/targets.json`.
//!
//! The pages are driven as a customer would drive them, with the real core and the demo catalog, so scripts that press by
//! label press the right pixel. `UPDATE_TARGETS=1 cargo test -p tests --test targets` writes the file anew.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::cart::ServiceMode;
use domain::claim::{Claim, FleetAnswer};
use domain::config::KioskConfig;
use domain::effect::TerminalEffect;
use domain::event::Change;
use domain::ids::{GroupId, IdSource, ItemId, ModifierId, PaymentId, Uuid};
use domain::input::{
    Action, Command, Input, LastAnswer, Origin, PrinterCondition, PrinterInput, TerminalInput, UplinkInput,
    VoiceInput,
};
use domain::intent::{CartIntent, Intent, ItemIntent, MealIntent, PayIntent, VoiceIntent};
use domain::kiosk::Kiosk;
use domain::payment::Approval;
use domain::spoken::{Act, Hint, Line, Said};
use domain::text::Lang;
use domain::time::{ClockQuality, Date, LocalTime, MonoMs, Now, WallMs, Weekday};
use domain::view::{Overlay, Page};
use domain::{Effect, View};
use i_slint_backend_testing::{AccessibleRole, ElementQuery};
use slint::{ComponentHandle as _, PhysicalSize};
use tests::rig::root;
use ui::backend::ManualClock;
use ui::shell::Screen as _;
use ui::{MainScreen, PictureStore};

struct Counter(u8);

impl IdSource for Counter {
    fn next_id(&mut self) -> Uuid {
        self.0 += 1;
        let mut id = [0; 16];
        id[15] = self.0;
        Uuid(id)
    }
}

/// A kiosk without a shell: a Saturday noon that stands still.
struct Shop {
    kiosk: Kiosk,
    ids: Counter,
    effects: Vec<Effect>,
    mono_ms: u64,
}

impl Shop {
    fn open() -> Self {
        let text = std::fs::read_to_string(root().join("catalog/alder-and-rye/catalog.json")).unwrap();
        let catalog = protocol::catalog::parse_json(&text, "catalog").unwrap().into_domain().unwrap();
        let config = KioskConfig { voice: Some(Lang::new("en")), ..KioskConfig::new("demo.k3", "K3") };
        let kiosk = Kiosk::new(Arc::new(config), 1);
        let mut shop = Self { kiosk, ids: Counter(0), effects: Vec::new(), mono_ms: 1000 };
        let action = Action::ActivateCatalog { catalog: Arc::new(catalog), sha256: [0; 32] };
        shop.take(Input::Command(Command { origin: Origin::Kiosk, action }));
        shop.take(Input::Started);
        shop.take(Input::Printer(PrinterInput::Condition(PrinterCondition::Ready)));
        shop.take(Input::Scanner(domain::input::ScannerInput::Present(true)));
        shop.take(Input::Terminal(TerminalInput::Ready { last: LastAnswer::Empty }));
        shop
    }

    fn take(&mut self, input: Input) {
        let step = self.kiosk.decide(&self.now(), &mut self.ids, input);
        assert_eq!(step.refusal, None);
        let changes: Vec<Change> = step.changes;
        changes.iter().for_each(|change| self.kiosk.apply(change));
        self.effects.extend(step.effects);
    }

    fn now(&self) -> Now {
        let date = Date { year: 2026, month: 11, day: 21 };
        Now {
            wall: WallMs(1_795_260_000_000),
            mono: MonoMs(self.mono_ms),
            local: LocalTime { date, weekday: Weekday::Saturday, minute: 12 * 60, second: 0 },
            business_date: date,
            quality: ClockQuality::Ntp,
        }
    }

    fn wish(&mut self, intent: Intent) {
        self.take(Input::Intent(intent));
    }

    fn view(&self) -> View {
        self.kiosk.view(&self.now())
    }

    /// The question that the terminal was asked last.
    fn asked(&self) -> u32 {
        let question = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Terminal(TerminalEffect::QueryLast { question }) => Some(*question),
            _ => None,
        });
        question.expect("the terminal was asked")
    }

    /// The payment that was sent to the terminal last.
    fn charged(&self) -> PaymentId {
        let charge = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Terminal(TerminalEffect::Charge { payment, .. }) => Some(*payment),
            _ => None,
        });
        charge.expect("something was charged")
    }
}

/// A kiosk that its fleet has just been asked to take in.
fn unclaimed() -> Claim {
    Claim {
        host: "fleet.example".into(),
        fleet: FleetAnswer::Asking,
        code: None,
        network: None,
        synchronised: false,
        terminal: true,
        printer: true,
    }
}

/// The pages of an order, in the order a script meets them. A page that comes twice shows both states.
fn walk(mut each: impl FnMut(&View)) {
    let mut shop = Shop::open();
    shop.take(Input::Uplink(UplinkInput::Claim(Some(Arc::new(unclaimed())))));
    each(&shop.view());
    shop.take(Input::Uplink(UplinkInput::Claim(None)));
    each(&shop.view());
    shop.wish(Intent::Start);
    each(&shop.view());
    shop.wish(Intent::SetMode(ServiceMode::DineIn));
    each(&shop.view());
    by_voice(&mut shop, &mut each);
    shop.wish(Intent::OpenItem(ItemId::new("bacon-rye")));
    let item = shop.view();
    each(&item);
    let Page::Item(item) = item.page else { panic!("an item opens its page") };
    let double = item.variations.iter().find(|v| &*v.name == "Double").expect("it comes double");
    shop.wish(Intent::Item(ItemIntent::Variation(double.id.clone())));
    each(&shop.view());
    let (group, onion): (GroupId, ModifierId) = item
        .groups
        .iter()
        .find_map(|g| g.options.iter().find(|o| &*o.name == "Onion").map(|o| (g.id.clone(), o.id.clone())))
        .expect("the onion can be left out");
    shop.wish(Intent::Item(ItemIntent::Toggle(group, onion)));
    each(&shop.view());
    shop.wish(Intent::Item(ItemIntent::Quantity(1)));
    each(&shop.view());
    shop.wish(Intent::Item(ItemIntent::Confirm));
    each(&shop.view());
    if matches!(shop.view().page, Page::Meal(_)) {
        shop.wish(Intent::Meal(MealIntent::Decline));
    }
    each(&shop.view());
    shop.wish(Intent::Cart(CartIntent::Show));
    each(&shop.view());
    shop.wish(Intent::Cart(CartIntent::Checkout));
    each(&shop.view());
    shop.wish(Intent::Pay(PayIntent::Confirm));
    each(&shop.view());
    let payment = shop.charged();
    shop.take(Input::Terminal(TerminalInput::Started { payment }));
    each(&shop.view());
    shop.take(Input::Terminal(TerminalInput::Declined { payment, code: 5 }));
    each(&shop.view());
    shop.wish(Intent::EndVisit);
    each(&shop.view());
    shop.wish(Intent::CloseOverlay);
    shop.wish(Intent::Pay(PayIntent::Retry));
    // Before the next charge the core wants to know what the terminal remembers.
    let question = shop.asked();
    shop.take(Input::Terminal(TerminalInput::Last { question, answer: LastAnswer::Empty }));
    let payment = shop.charged();
    let Page::AtTerminal(terminal) = shop.view().page else { panic!("the terminal is asked again") };
    let approval = Approval { amount: terminal.amount, receipt_no: Some(1), ..Approval::default() };
    shop.take(Input::Terminal(TerminalInput::Approved { payment, approval, currency: None }));
    shop.take(Input::Terminal(TerminalInput::Completed { payment }));
    shop.mono_ms += 5_000;
    shop.take(Input::Tick);
    each(&shop.view());
}

/// The menu of a kiosk that hears, from the press of the button to the end of the draft. Its menu is a page of its own
/// here: the button moves what stands beside it.
fn by_voice(shop: &mut Shop, each: &mut impl FnMut(&View)) {
    shop.take(Input::Voice(VoiceInput::Available(true)));
    each(&shop.view());
    for item in ["cappuccino", "latte"] {
        shop.wish(Intent::Voice(VoiceIntent::Press));
        each(&shop.view());
        let turn = shop.kiosk.listening().expect("the microphone is open");
        let line =
            Line { item: ItemId::new(item), quantity: 1, size: None, ops: Vec::new(), picks: Vec::new() };
        let said = Said { acts: vec![Act::Add(line)], doubt: None };
        shop.take(Input::Voice(VoiceInput::Heard { turn, said }));
        each(&shop.view());
    }
    shop.wish(Intent::Voice(VoiceIntent::Drop));
    for _ in 0..2 {
        shop.wish(Intent::Voice(VoiceIntent::Press));
        let turn = shop.kiosk.listening().expect("the microphone is open");
        shop.take(Input::Voice(VoiceInput::Failed { turn, why: domain::spoken::Failure::Silence }));
    }
    assert_eq!(shop.view().voice.and_then(|voice| voice.hint), Some(Hint::UseTouch));
    each(&shop.view());
    shop.wish(Intent::Voice(VoiceIntent::Drop));
    shop.take(Input::Voice(VoiceInput::Available(false)));
}

#[test]
fn the_places_of_everything_to_press_are_up_to_date() {
    i_slint_backend_testing::init_no_event_loop();
    let pictures = PictureStore::new(Some(root().join("catalog/alder-and-rye/pictures")));
    let screen = MainScreen::new(|_| {}, &pictures, Arc::new(ManualClock::default())).unwrap();
    screen.window().set_size(PhysicalSize::new(1080, 1920));
    let mut targets: BTreeMap<String, BTreeMap<String, [f32; 4]>> = BTreeMap::new();
    walk(|view| {
        let id = screen.apply(view).id;
        screen.component().show().unwrap();
        i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_secs(2));
        let hears = matches!(&view.page, Page::Menu(menu) if menu.voice);
        let name = match view.overlay {
            Some(Overlay::ConfirmCancel) => "confirm-cancel",
            _ if hears => id.split_once('/').map_or("voice", |(_, part)| part),
            _ => view.page.name(),
        };
        let labels = targets.entry(name.to_owned()).or_default();
        collect(&screen, labels);
        if matches!(view.page, Page::Item(_)) {
            turn(&screen, "Next page");
            collect(&screen, labels);
            turn(&screen, "Previous page");
        }
    });
    let path = root().join("ui/targets.json");
    let text = serde_json::to_string_pretty(&targets).unwrap() + "\n";
    if std::env::var_os("UPDATE_TARGETS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written, text,
        "ui/targets.json is stale: UPDATE_TARGETS=1 cargo test -p tests --test targets"
    );
}

/// Everything to press on the page now shown, with its place.
fn collect(screen: &MainScreen, labels: &mut BTreeMap<String, [f32; 4]>) {
    for button in buttons(screen) {
        let (at, size) = (button.absolute_position(), button.size());
        let Some(label) = button.accessible_label() else { continue };
        if size.width > 0.0 && at.x < 1080.0 && at.y < 1920.0 {
            labels.insert(label.into(), [at.x, at.y, size.width, size.height]);
        }
    }
}

/// Presses a button by its label, if the page has it.
fn turn(screen: &MainScreen, label: &str) {
    for button in buttons(screen).into_iter().filter(|b| b.accessible_label().is_some_and(|l| l == label)) {
        button.invoke_accessible_default_action();
    }
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_secs(2));
}

fn buttons(screen: &MainScreen) -> Vec<i_slint_backend_testing::ElementHandle> {
    ElementQuery::from_root(screen.component())
        .match_descendants()
        .match_predicate(|element| {
            matches!(
                element.accessible_role(),
                Some(
                    AccessibleRole::Button
                        | AccessibleRole::RadioButton
                        | AccessibleRole::Checkbox
                        | AccessibleRole::Tab
                        | AccessibleRole::Switch
                )
            )
        })
        .find_all()
}
