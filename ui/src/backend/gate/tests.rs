use super::*;

const LATER: Duration = Duration::from_secs(100);

fn gate() -> Gate {
    let mut gate = Gate::new((100.0, 200.0));
    gate.page_shown(Duration::ZERO, "menu");
    gate
}

fn touch_at(origin: Origin, contact: u32, phase: TouchPhase, x: f32, y: f32) -> Input {
    Input { origin, n: None, event: InputEvent::Touch { contact, phase, x, y } }
}

fn touch(origin: Origin, contact: u32, phase: TouchPhase) -> Input {
    touch_at(origin, contact, phase, 10.0, 20.0)
}

fn key(name: &str, action: KeyAction) -> Input {
    let key = Key::from_name(name).unwrap();
    Input { origin: Origin::new(), n: None, event: InputEvent::Key { key, action } }
}

fn pressed(x: f32, y: f32) -> WindowEvent {
    WindowEvent::PointerPressed { position: LogicalPosition::new(x, y), button: PointerEventButton::Left }
}

fn released(x: f32, y: f32) -> WindowEvent {
    WindowEvent::PointerReleased { position: LogicalPosition::new(x, y), button: PointerEventButton::Left }
}

#[test]
fn a_tap_is_a_press_a_release_and_an_exit_so_that_no_hover_sticks() {
    let (mut gate, panel) = (gate(), Origin::new());
    let down = gate.judge(LATER, &touch(panel, 4, TouchPhase::Down), false);
    assert_eq!(down.events, [pressed(10.0, 20.0)]);
    let up = gate.judge(LATER, &touch_at(panel, 4, TouchPhase::Up, 11.0, 20.0), false);
    assert_eq!(up.events, [released(11.0, 20.0), WindowEvent::PointerExited]);
}

#[test]
fn only_the_first_finger_counts_until_it_lifts() {
    let (mut gate, panel) = (gate(), Origin::new());
    gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    for phase in [TouchPhase::Down, TouchPhase::Move, TouchPhase::Up] {
        assert!(gate.judge(LATER, &touch(panel, 2, phase), false).events.is_empty());
    }
    assert!(gate.judge(LATER, &touch(Origin::new(), 1, TouchPhase::Down), false).events.is_empty());
    assert_eq!(gate.judge(LATER, &touch(panel, 1, TouchPhase::Up), false).events.len(), 2);
    assert_eq!(gate.judge(LATER, &touch(panel, 2, TouchPhase::Down), false).events.len(), 1);
}

#[test]
fn a_press_right_after_a_page_change_does_not_reach_the_new_page_even_when_held() {
    let (mut gate, panel) = (gate(), Origin::new());
    assert_eq!(gate.page_shown(LATER, "cart"), None);
    let soon = LATER + PAGE_GUARD - Duration::from_millis(1);
    let down = gate.judge(soon, &touch(panel, 1, TouchPhase::Down), false);
    assert!(down.events.is_empty());
    assert!(down.activity, "somebody is there all the same");
    let after = LATER + PAGE_GUARD;
    assert!(gate.judge(after, &touch(panel, 1, TouchPhase::Move), false).events.is_empty());
    assert!(gate.judge(after, &touch(panel, 1, TouchPhase::Up), false).events.is_empty());
    assert_eq!(gate.judge(after, &touch(panel, 1, TouchPhase::Down), false).events.len(), 1);
}

#[test]
fn a_press_that_began_on_one_page_is_cancelled_by_the_next_page() {
    let (mut gate, panel) = (gate(), Origin::new());
    gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    assert_eq!(gate.page_shown(LATER, "menu"), None, "the same page in a new revision disturbs nobody");
    assert_eq!(gate.page_shown(LATER, "cart"), Some(WindowEvent::PointerExited));
    assert!(gate.judge(LATER + PAGE_GUARD, &touch(panel, 1, TouchPhase::Up), false).events.is_empty());
}

#[test]
fn nonsense_coordinates_never_reach_the_page() {
    let (mut gate, panel) = (gate(), Origin::new());
    for (x, y) in
        [(-0.1, 5.0), (100.0, 5.0), (5.0, 200.0), (f32::NAN, 5.0), (5.0, f32::INFINITY), (1e30, 1e30)]
    {
        let verdict = gate.judge(LATER, &touch_at(panel, 1, TouchPhase::Down, x, y), false);
        assert_eq!(verdict, Verdict::default(), "{x}, {y}");
        assert!(gate.judge(LATER, &touch(panel, 1, TouchPhase::Up), false).events.is_empty());
    }
}

#[test]
fn a_finger_that_slides_off_the_edge_still_ends_its_press_at_the_edge() {
    let (mut gate, panel) = (gate(), Origin::new());
    gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    let moved = gate.judge(LATER, &touch_at(panel, 1, TouchPhase::Move, -50.0, 900.0), false);
    assert_eq!(moved.events, [WindowEvent::PointerMoved { position: LogicalPosition::new(0.0, 200.0) }]);
    let up = gate.judge(LATER, &touch_at(panel, 1, TouchPhase::Up, 500.0, 20.0), false);
    assert_eq!(up.events[0], released(100.0, 20.0));
}

#[test]
fn a_lost_source_cancels_its_own_finger_and_no_other() {
    let (mut gate, panel) = (gate(), Origin::new());
    gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    assert!(gate.judge(LATER, &Input::cancel(Origin::new()), false).events.is_empty());
    assert_eq!(gate.judge(LATER, &Input::cancel(panel), false).events, [WindowEvent::PointerExited]);
    assert_eq!(gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false).events, [pressed(10.0, 20.0)]);
}

#[test]
fn a_second_down_of_the_same_finger_cancels_the_press_whose_lift_was_lost() {
    let (mut gate, panel) = (gate(), Origin::new());
    gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    let again = gate.judge(LATER, &touch(panel, 1, TouchPhase::Down), false);
    assert_eq!(again.events, [WindowEvent::PointerExited, pressed(10.0, 20.0)]);
}

#[test]
fn activity_is_reported_at_most_once_a_second() {
    let (mut gate, panel) = (gate(), Origin::new());
    let mut reported = 0;
    for tenth in 0..30 {
        let now = LATER + Duration::from_millis(100 * tenth);
        reported += u32::from(gate.judge(now, &touch(panel, 1, TouchPhase::Down), false).activity);
        gate.judge(now, &touch(panel, 1, TouchPhase::Up), false);
    }
    assert_eq!(reported, 3);
}

#[test]
fn what_a_scanner_types_goes_nowhere_without_a_focused_text_field() {
    let mut gate = gate();
    for (offset, name) in ["4", "0", " ", "1", "Enter"].into_iter().enumerate() {
        let now = LATER + Duration::from_millis(4 * u64::try_from(offset).unwrap());
        assert!(gate.judge(now, &key(name, KeyAction::Press), false).events.is_empty(), "{name}");
        assert!(gate.judge(now, &key(name, KeyAction::Release), false).events.is_empty(), "{name}");
    }
    let by_hand = LATER + Duration::from_secs(1);
    assert_eq!(gate.judge(by_hand, &key("Enter", KeyAction::Press), false).events.len(), 1);
}

#[test]
fn a_focused_text_field_gets_characters_with_repeats_and_releases() {
    let mut gate = gate();
    let press = gate.judge(LATER, &key("a", KeyAction::Press), true);
    assert_eq!(press.events, [WindowEvent::KeyPressed { text: "a".into() }]);
    let repeat = gate.judge(LATER, &key("a", KeyAction::Press), true);
    assert_eq!(repeat.events, [WindowEvent::KeyPressRepeated { text: "a".into() }]);
    let release = gate.judge(LATER, &key("a", KeyAction::Release), false);
    assert_eq!(release.events, [WindowEvent::KeyReleased { text: "a".into() }]);
}

#[test]
fn a_key_struck_twice_does_not_act_on_the_page_that_the_first_stroke_opened() {
    let mut gate = gate();
    assert_eq!(gate.judge(LATER, &key("Enter", KeyAction::Press), false).events.len(), 1);
    assert_eq!(gate.judge(LATER, &key("Enter", KeyAction::Release), false).events.len(), 1);
    gate.page_shown(LATER, "cart");
    let twice = LATER + Duration::from_millis(60);
    assert!(gate.judge(twice, &key("Enter", KeyAction::Press), false).events.is_empty());
}
