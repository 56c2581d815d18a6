//! A customer at the mirror: looks for a label, presses it, waits for the page.
//!
//! Where a label is comes from `ui/targets.json`, which a test of `ui` writes from the pages themselves and
//! which fails when it is stale. So scripts speak of "Review order", not of pixels.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;

use crate::mirror::MirrorClient;
use crate::rig::root;

/// Page name → label → x, y, width, height in pixels of the panel.
type Targets = BTreeMap<String, BTreeMap<String, [f32; 4]>>;

/// How long a page may take to appear after a press.
const PAGE_WITHIN: Duration = Duration::from_secs(5);

/// How long a card payment may take with the emulated terminal.
pub const PAYMENT_WITHIN: Duration = Duration::from_secs(30);

/// A finger that presses at a place, in pixels of the panel.
pub type Finger = Box<dyn FnMut(f32, f32) -> anyhow::Result<()>>;

/// Somebody in front of the kiosk.
pub struct Customer {
    /// What he sees.
    pub mirror: MirrorClient,
    targets: Targets,
    /// What he presses with; through the mirror if not given.
    finger: Option<Finger>,
    patience: u32,
}

impl Customer {
    /// Somebody who looks through this mirror.
    ///
    /// # Errors
    /// `ui/targets.json` is missing or broken.
    pub fn new(mirror: MirrorClient) -> anyhow::Result<Self> {
        let path = root().join("ui/targets.json");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self { mirror, targets: serde_json::from_str(&text)?, finger: None, patience: 1 })
    }

    /// Presses with this instead, and waits for so many times as long.
    #[must_use]
    pub fn with_finger(self, finger: Finger, patience: u32) -> Self {
        Self { finger: Some(finger), patience, ..self }
    }

    /// Presses what carries this label on the page now shown.
    ///
    /// # Errors
    /// There is no such label, or the connection breaks.
    pub fn press(&mut self, label: &str) -> anyhow::Result<()> {
        let (x, y) = self.place(label)?;
        match &mut self.finger {
            Some(finger) => finger(x, y),
            None => self.mirror.press(x, y),
        }
    }

    /// The middle of what carries this label on the page now shown.
    ///
    /// # Errors
    /// There is no such label.
    pub fn place(&self, label: &str) -> anyhow::Result<(f32, f32)> {
        let id = &self.mirror.screen().id;
        // What lies over a page is named after it: "pay-failed/confirm-cancel".
        let page = id.rsplit('/').next().unwrap_or(id);
        if page == "attract" {
            // The whole screen is the button.
            return Ok((540.0, 960.0));
        }
        // The menu of a kiosk that hears has a button more.
        let pages = [page, "voice"].into_iter().take(if id.starts_with("menu") { 2 } else { 1 });
        let rect = pages.filter_map(|page| find(self.targets.get(page)?, label)).next();
        let [x, y, w, h] = rect.with_context(|| format!("no {label:?} on the page {page}"))?;
        Ok((x + w / 2.0, y + h / 2.0))
    }

    /// Presses and waits for the page that should follow.
    ///
    /// # Errors
    /// As [`Customer::press`], or the page does not come.
    pub fn press_to(&mut self, label: &str, page: &str) -> anyhow::Result<()> {
        let before = self.mirror.screen().clone();
        self.press(label)?;
        self.mirror.wait(&format!("{page} after {label:?}"), PAGE_WITHIN * self.patience, |m| {
            m.screen().id == page && (before.id != page || m.screen().rev != before.rev)
        })
    }

    /// Presses something that changes the page shown without leaving it.
    ///
    /// # Errors
    /// As [`Customer::press`], or nothing changes.
    pub fn press_here(&mut self, label: &str) -> anyhow::Result<()> {
        let page = self.mirror.screen().id.clone();
        self.press_to(label, &page)
    }

    /// From the attract page to the menu, eating here.
    ///
    /// # Errors
    /// A page does not come.
    pub fn sit_down(&mut self) -> anyhow::Result<()> {
        self.mirror.wait_page("attract", PAYMENT_WITHIN)?;
        self.press_to("Touch to order", "service")?;
        self.press_to("Eat here", "menu")
    }

    /// Gives the order up, or closes the page of a finished one, down to the attract page.
    ///
    /// # Errors
    /// The page shown has no such way, or a page does not come.
    pub fn leave(&mut self) -> anyhow::Result<()> {
        let open = ["", "starting", "at-terminal", "pay-unknown"];
        self.mirror
            .wait("an end of the order", PAYMENT_WITHIN, |m| !open.contains(&m.screen().id.as_str()))?;
        let first = match self.mirror.screen().id.as_str() {
            "attract" => return Ok(()),
            "done" => return self.press_to("Done", "attract"),
            "pay-failed" => "Cancel order",
            // Of an order that a restart interrupted: its cart is gone, so this gives the order up as well.
            "pay-choose" => "Back to order",
            other => anyhow::bail!("there is no way to leave from the page {other}"),
        };
        let page = self.mirror.screen().id.clone();
        self.press(first)?;
        self.mirror.wait(&format!("another page after {first:?}"), PAGE_WITHIN, |m| m.screen().id != page)?;
        // An order that is already over needs no second word.
        if self.mirror.screen().id == "attract" { Ok(()) } else { self.press_to("Cancel order", "attract") }
    }

    /// Two double Bacon & Rye without onion, no meal, to the page where one chooses how to pay.
    ///
    /// # Errors
    /// A page does not come.
    pub fn order_two_burgers(&mut self) -> anyhow::Result<()> {
        self.sit_down()?;
        self.press_to("Bacon & Rye", "item")?;
        self.press_here("Double")?;
        self.press_here("No onion")?;
        self.press_here("One more")?;
        self.add_alone()?;
        self.press_to("Review order", "cart")?;
        self.press_to("Pay", "pay-choose")
    }

    /// From the page of an item to the menu, with the item in the cart and no meal made of it.
    ///
    /// # Errors
    /// A page does not come.
    pub fn add_alone(&mut self) -> anyhow::Result<()> {
        self.press("Add")?;
        self.mirror
            .wait("the meal offer or the menu", PAGE_WITHIN * self.patience, |m| m.screen().id != "item")?;
        if self.mirror.screen().id == "meal" { self.press_to("No thanks", "menu") } else { Ok(()) }
    }
}

/// The place of a label: of exactly this one, else of one that goes on after it ("Pay" finds "Pay €28.80").
fn find(labels: &BTreeMap<String, [f32; 4]>, label: &str) -> Option<[f32; 4]> {
    let goes_on = |name: &&String| {
        name.strip_prefix(label).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    labels.get(label).or_else(|| labels.keys().find(goes_on).and_then(|name| labels.get(name))).copied()
}
