//! A kiosk on the table: the real screen in a window in memory, its intents caught, its time standing still.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use domain::{Intent, View};
use i_slint_core::accessibility::AccessibleStringProperty;
use i_slint_core::item_tree::ItemRc;
use i_slint_core::items::AccessibleRole;
use i_slint_core::lengths::LogicalPoint;
use i_slint_core::window::WindowInner;
use slint::platform::software_renderer::{MinimalSoftwareWindow, PhysicalRegion, RepaintBufferType};
use slint::platform::{PointerEventButton, WindowEvent};
use slint::{LogicalPosition, PhysicalSize, Rgb8Pixel};
use ui::backend::{Clock, ManualClock, ManualPlatform};
use ui::shell::Screen;
use ui::{MainScreen, PictureStore};

pub const PORTRAIT: PhysicalSize = PhysicalSize { width: 1080, height: 1920 };
pub const LANDSCAPE: PhysicalSize = PhysicalSize { width: 1920, height: 1080 };

pub struct Desk {
    pub screen: MainScreen,
    pub pictures: PictureStore,
    pub window: Rc<MinimalSoftwareWindow>,
    pub clock: Arc<ManualClock>,
    intents: Rc<RefCell<Vec<Intent>>>,
    pixels: RefCell<Vec<Rgb8Pixel>>,
    size: PhysicalSize,
}

/// Something on the page that says what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub role: AccessibleRole,
    pub label: String,
    pub description: String,
    pub enabled: bool,
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Thing {
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    pub fn center(&self) -> LogicalPosition {
        LogicalPosition::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        // Half a pixel of rounding is no overlap.
        self.x + 0.5 < other.right()
            && other.x + 0.5 < self.right()
            && self.y + 0.5 < other.bottom()
            && other.y + 0.5 < self.bottom()
    }
}

impl Desk {
    /// One to a test: a thread has one platform.
    pub fn new(size: PhysicalSize) -> Self {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::ReusedBuffer);
        let clock = Arc::new(ManualClock::default());
        let memory = ManualPlatform { window: Rc::clone(&window), clock: Arc::clone(&clock) };
        slint::platform::set_platform(Box::new(memory)).expect("one desk to a thread");
        let folder = PathBuf::from("../catalog/alder-and-rye/pictures");
        let pictures = PictureStore::new(Some(folder));
        let intents = Rc::new(RefCell::new(Vec::new()));
        let caught = Rc::clone(&intents);
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let screen =
            MainScreen::new(move |intent| caught.borrow_mut().push(intent), &pictures, shared).unwrap();
        window.set_size(size);
        screen.window().show().unwrap();
        let pixels = RefCell::new(vec![Rgb8Pixel::default(); size.width as usize * size.height as usize]);
        Self { screen, pictures, window, clock, intents, pixels, size }
    }

    pub fn show(&self, view: &View) {
        self.screen.apply(view);
        slint::platform::update_timers_and_animations();
    }

    pub fn show_fixture(&self, name: &str, lang: &str) {
        self.show(&ui::fixtures::named(name, lang).unwrap_or_else(|| panic!("no fixture {name}")));
    }

    pub fn wait(&self, time: Duration) {
        self.clock.advance(time);
        slint::platform::update_timers_and_animations();
    }

    /// Draws what has changed and says where.
    pub fn draw(&self) -> Option<PhysicalRegion> {
        slint::platform::update_timers_and_animations();
        let mut region = None;
        self.window.draw_if_needed(|renderer| {
            region = Some(renderer.render(&mut self.pixels.borrow_mut(), self.size.width as usize));
        });
        region
    }

    pub fn pixel(&self, at: LogicalPosition) -> Rgb8Pixel {
        let (x, y) = (at.x.round() as usize, at.y.round() as usize);
        self.pixels.borrow()[y * self.size.width as usize + x]
    }

    /// Everything visible that has a role.
    pub fn things(&self) -> Vec<Thing> {
        let root = ItemRc::new_root(WindowInner::from_pub(self.screen.window()).component());
        let mut things = Vec::new();
        root.visit_descendants(|item| {
            if item.accessible_role() != AccessibleRole::None && item.is_visible() {
                things.push(thing(item));
            }
            ControlFlow::<()>::Continue(())
        });
        things
    }

    pub fn buttons(&self) -> Vec<Thing> {
        self.things().into_iter().filter(|thing| thing.role == AccessibleRole::Button).collect()
    }

    pub fn texts(&self) -> Vec<Thing> {
        let texts = self.things().into_iter();
        texts.filter(|thing| thing.role == AccessibleRole::Text && !thing.label.is_empty()).collect()
    }

    /// The one button with this label.
    pub fn button(&self, label: &str) -> Thing {
        let mut found: Vec<Thing> =
            self.buttons().into_iter().filter(|button| button.label == label).collect();
        assert_eq!(found.len(), 1, "buttons labelled {label:?} among {:?}", labels(&self.buttons()));
        found.remove(0)
    }

    pub fn shows(&self, words: &str) -> bool {
        self.texts().iter().any(|text| text.label == words)
    }

    pub fn press(&self, at: LogicalPosition) {
        self.send(WindowEvent::PointerPressed { position: at, button: PointerEventButton::Left });
    }

    pub fn move_to(&self, at: LogicalPosition) {
        self.send(WindowEvent::PointerMoved { position: at });
    }

    pub fn release(&self, at: LogicalPosition) {
        self.send(WindowEvent::PointerReleased { position: at, button: PointerEventButton::Left });
        self.send(WindowEvent::PointerExited);
    }

    /// Presses the middle of the button with this label, as a finger does.
    pub fn touch(&self, label: &str) {
        let center = self.button(label).center();
        self.press(center);
        self.release(center);
    }

    /// The intents since the last call.
    pub fn intents(&self) -> Vec<Intent> {
        self.intents.borrow_mut().drain(..).collect()
    }

    fn send(&self, event: WindowEvent) {
        self.screen.window().dispatch_event(event);
        slint::platform::update_timers_and_animations();
    }
}

pub fn labels(things: &[Thing]) -> Vec<&str> {
    things.iter().map(|thing| thing.label.as_str()).collect()
}

fn thing(item: &ItemRc) -> Thing {
    let property = |what| item.accessible_string_property(what).map(String::from).unwrap_or_default();
    let geometry = item.geometry();
    let origin = item.map_to_window(LogicalPoint::new(geometry.origin.x, geometry.origin.y));
    Thing {
        role: item.accessible_role(),
        label: property(AccessibleStringProperty::Label),
        description: property(AccessibleStringProperty::Description),
        enabled: property(AccessibleStringProperty::Enabled) != "false",
        x: origin.x,
        y: origin.y,
        width: geometry.width(),
        height: geometry.height(),
    }
}
