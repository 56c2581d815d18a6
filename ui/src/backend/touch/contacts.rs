//! What a touch panel reports, as fingers on the picture: the kernel's multi-touch protocol B (`multi-touch-protocol.rst`),
//! and panels and tablets with a single contact.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::super::rotation::Rotation;
use super::super::{InputEvent, TouchPhase};

/// Slots that are kept apart: two hands. Reports of others are ignored.
const SLOTS_MAX: i32 = 10;

/// What of an event of the kernel matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    /// What follows is about this finger.
    Slot(i32),
    /// It is there under this id, or gone if that is negative.
    Tracking(i32),
    MultiX(i32),
    MultiY(i32),
    /// Of a panel with one contact: what panels with more say of their first one besides.
    X(i32),
    Y(i32),
    Pressed(bool),
    /// All of this happened at once.
    Sync,
    /// Reports were lost.
    Dropped,
}

/// From the numbers of a panel to places in the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mapping {
    pub x: RangeInclusive<i32>,
    pub y: RangeInclusive<i32>,
    /// Two lines of a matrix over shares of width and height, as libinput's `LIBINPUT_CALIBRATION_MATRIX`.
    pub calibration: [f32; 6],
    pub rotation: Rotation,
    /// Logical pixels.
    pub size: (f32, f32),
}

impl Mapping {
    fn place(&self, x: i32, y: i32) -> (f32, f32) {
        let [a, b, c, d, e, f] = self.calibration;
        let (x, y) = (share(x, &self.x), share(y, &self.y));
        let on_panel = (a * x + b * y + c, d * x + e * y + f);
        let (x, y) = self.rotation.undo(on_panel);
        // The last place that is still on the picture.
        let within = |share: f32, size: f32| (share * size).clamp(0.0, (size - 0.01).max(0.0));
        (within(x, self.size.0), within(y, self.size.1))
    }
}

/// How far something is between two ends.
#[expect(clippy::cast_possible_truncation, reason = "a share is between 0 and 1, or not far from it")]
fn share(at: i32, range: &RangeInclusive<i32>) -> f32 {
    let (at, start, end) = (f64::from(at), f64::from(*range.start()), f64::from(*range.end()));
    if end > start { ((at - start) / (end - start)) as f32 } else { 0.0 }
}

#[derive(Debug, Clone, Copy, Default)]
struct Contact {
    x: i32,
    y: i32,
    is_down: bool,
    /// As it was told last.
    was_down: bool,
    has_moved: bool,
}

/// The fingers on one panel.
#[derive(Debug)]
pub(super) struct Contacts {
    mapping: Mapping,
    /// It has slots.
    is_multi: bool,
    slot: i32,
    contacts: BTreeMap<i32, Contact>,
    /// Everything is thrown away until the next report is complete.
    is_blind: bool,
}

impl Contacts {
    pub(super) fn new(mapping: Mapping, is_multi: bool) -> Self {
        Self { mapping, is_multi, slot: 0, contacts: BTreeMap::new(), is_blind: false }
    }

    /// Takes a report; what it completes goes to `into`.
    pub(super) fn take(&mut self, report: Report, into: &mut Vec<InputEvent>) {
        match report {
            Report::Dropped => {
                self.is_blind = true;
                self.contacts.clear();
                into.push(event(0, TouchPhase::Cancel, (0.0, 0.0)));
            }
            Report::Sync => {
                // The report that was cut is over: from here on everything is whole again.
                if !std::mem::take(&mut self.is_blind) {
                    self.tell(into);
                }
            }
            Report::Slot(slot) => self.slot = slot,
            _ if self.is_blind || !(0..SLOTS_MAX).contains(&self.slot) => {}
            Report::X(_) | Report::Y(_) | Report::Pressed(_) if self.is_multi => {}
            Report::Tracking(id) => self.contact().is_down = id >= 0,
            Report::Pressed(is_down) => self.contact().is_down = is_down,
            Report::X(x) | Report::MultiX(x) => {
                let contact = self.contact();
                contact.has_moved |= contact.x != x;
                contact.x = x;
            }
            Report::Y(y) | Report::MultiY(y) => {
                let contact = self.contact();
                contact.has_moved |= contact.y != y;
                contact.y = y;
            }
        }
    }

    fn contact(&mut self) -> &mut Contact {
        self.contacts.entry(self.slot).or_default()
    }

    fn tell(&mut self, into: &mut Vec<InputEvent>) {
        for (slot, contact) in &mut self.contacts {
            let phase = match (contact.was_down, contact.is_down) {
                (false, true) => TouchPhase::Down,
                (true, false) => TouchPhase::Up,
                (true, true) if contact.has_moved => TouchPhase::Move,
                _ => {
                    contact.has_moved = false;
                    continue;
                }
            };
            (contact.was_down, contact.has_moved) = (contact.is_down, false);
            let place = self.mapping.place(contact.x, contact.y);
            into.push(event(u32::try_from(*slot).unwrap_or_default(), phase, place));
        }
    }
}

fn event(contact: u32, phase: TouchPhase, (x, y): (f32, f32)) -> InputEvent {
    InputEvent::Touch { contact, phase, x, y }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRAIGHT: [f32; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    fn mapping(rotation: Rotation) -> Mapping {
        Mapping { x: 0..=4095, y: 0..=4095, calibration: STRAIGHT, rotation, size: (1080.0, 1920.0) }
    }

    fn told(contacts: &mut Contacts, reports: &[Report]) -> Vec<(u32, TouchPhase, i32, i32)> {
        let mut events = Vec::new();
        for report in reports {
            contacts.take(*report, &mut events);
        }
        let round = |at: f32| format!("{at:.0}").parse().unwrap();
        events
            .into_iter()
            .map(|event| match event {
                InputEvent::Touch { contact, phase, x, y } => (contact, phase, round(x), round(y)),
                InputEvent::Key { .. } => unreachable!("a touch panel has no keys"),
            })
            .collect()
    }

    #[test]
    fn a_finger_comes_moves_and_goes() {
        use Report::{MultiX as X, MultiY as Y, Sync, Tracking};
        let mut contacts = Contacts::new(mapping(Rotation::None), true);
        let down = told(&mut contacts, &[Tracking(7), X(2048), Y(0), Sync]);
        assert_eq!(down, [(0, TouchPhase::Down, 540, 0)]);
        assert_eq!(told(&mut contacts, &[X(2048), Sync]), [], "it has not moved");
        assert_eq!(told(&mut contacts, &[Y(4095), Sync]), [(0, TouchPhase::Move, 540, 1920)]);
        let same = [Report::X(1), Report::Pressed(false), Sync];
        assert_eq!(told(&mut contacts, &same), [], "what is said of the first finger besides");
        assert_eq!(told(&mut contacts, &[Tracking(-1), Sync]), [(0, TouchPhase::Up, 540, 1920)]);
    }

    #[test]
    fn two_fingers_are_told_apart_and_an_eleventh_is_ignored() {
        use Report::{MultiX as X, MultiY as Y, Slot, Sync, Tracking};
        let mut contacts = Contacts::new(mapping(Rotation::None), true);
        let both = [
            Slot(0),
            Tracking(1),
            X(0),
            Y(0),
            Slot(1),
            Tracking(2),
            X(4095),
            Y(0),
            Slot(10),
            Tracking(3),
            Sync,
        ];
        let both = told(&mut contacts, &both);
        assert_eq!(both, [(0, TouchPhase::Down, 0, 0), (1, TouchPhase::Down, 1080, 0)]);
        assert_eq!(told(&mut contacts, &[Slot(0), Tracking(-1), Sync]), [(0, TouchPhase::Up, 0, 0)]);
    }

    #[test]
    fn a_panel_with_one_contact_needs_no_slots() {
        use Report::{Pressed, Sync, X, Y};
        let mut contacts = Contacts::new(mapping(Rotation::None), false);
        assert_eq!(told(&mut contacts, &[X(4095), Y(4095), Sync]), [], "a tablet's pen in the air");
        assert_eq!(told(&mut contacts, &[Pressed(true), Sync]), [(0, TouchPhase::Down, 1080, 1920)]);
        assert_eq!(told(&mut contacts, &[Pressed(false), Sync]), [(0, TouchPhase::Up, 1080, 1920)]);
    }

    #[test]
    fn lost_reports_cancel_and_the_rest_of_the_cut_one_is_ignored() {
        use Report::{Dropped, MultiX as X, Sync, Tracking};
        let mut contacts = Contacts::new(mapping(Rotation::None), true);
        told(&mut contacts, &[Tracking(1), X(9), Sync]);
        assert_eq!(told(&mut contacts, &[Dropped, Tracking(2), Sync]), [(0, TouchPhase::Cancel, 0, 0)]);
        assert_eq!(told(&mut contacts, &[Sync]), []);
        assert_eq!(told(&mut contacts, &[Tracking(3), Sync])[0].1, TouchPhase::Down);
    }

    #[test]
    fn places_follow_the_panel_however_it_hangs() {
        let corner = |rotation, x, y| {
            let place = mapping(rotation).place(x, y);
            (place.0 > 540.0, place.1 > 960.0)
        };
        // The panel's own top right corner, seen by somebody before it.
        assert_eq!(corner(Rotation::None, 4000, 90), (true, false));
        assert_eq!(corner(Rotation::Right, 4000, 90), (false, false));
        assert_eq!(corner(Rotation::Half, 4000, 90), (false, true));
        assert_eq!(corner(Rotation::Left, 4000, 90), (true, true));
        let swapped = Mapping { calibration: [0.0, 1.0, 0.0, 1.0, 0.0, 0.0], ..mapping(Rotation::None) };
        assert_eq!(swapped.place(4095, 0), (0.0, 1919.99));
    }
}
