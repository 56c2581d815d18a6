use std::time::Duration;

use slint::ComponentHandle;

use super::super::clock::ManualClock;
use super::super::gate::PAGE_GUARD;
use super::super::hub::Subscription;
use super::super::input::{InputEvent, InputSender, TouchPhase, input_queue};
use super::super::panel::Panel;
use super::super::pixel::Xrgb8888;
use super::super::snapshot::Snapshot;
use super::*;

slint::slint! {
    export component TestPage inherits Window {
        in property <bool> moved;
        in-out property <int> taps;
        in-out property <int> changes;
        in property <color> tint: #102030;
        callback tapped();
        background: white;
        changed taps => { changes += 1; }
        Rectangle {
            x: 20px; y: 10px; width: 40px; height: 30px;
            background: touch.pressed ? #ff0000 : touch.has-hover ? #0000ff : #00ff00;
            touch := TouchArea { clicked => { taps += 1; tapped(); } }
        }
        Rectangle { x: 0px; y: 190px; width: 100px; height: 10px; background: tint; }
        Rectangle {
            x: moved ? 80px : 0px; y: 100px; width: 20px; height: 20px;
            background: #8000ff80;
            animate x { duration: 300ms; }
        }
    }
}

const RED: u32 = 0xFFFF_0000;
const GREEN: u32 = 0xFF00_FF00;

struct Rig {
    clock: Arc<ManualClock>,
    event_loop: Rc<EventLoop>,
    page: TestPage,
    input: InputSender,
    finger: Origin,
}

/// A screen of 100×200 pixels on this test's own thread, with time in the test's hands.
fn rig() -> Rig {
    let clock = Arc::new(ManualClock::default());
    let proxy = LoopProxy::new(None).unwrap();
    let wake = proxy.clone();
    let hub = FrameHub::new(Panel::new(100, 200, 0.3).unwrap(), clock.clone(), move || wake.wake());
    let wake = proxy.clone();
    let (input, queue) = input_queue(move || wake.wake());
    let event_loop = EventLoop::new(proxy, &hub, vec![Box::new(queue)], None);
    event_loop.install().unwrap();
    let page = TestPage::new().unwrap();
    page.show().unwrap();
    Rig { clock, event_loop, page, input, finger: Origin::new() }
}

impl Rig {
    fn touch(&self, phase: TouchPhase, x: f32, y: f32) {
        let event = InputEvent::Touch { contact: 0, phase, x, y };
        self.input.send(Input { origin: self.finger, n: Some(7), event }).unwrap();
    }

    fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    fn turn(&self) -> Option<Duration> {
        self.event_loop.turn()
    }

    /// Changes the page as a closure in the loop would: after the animations were told what time it is.
    fn change(&self, change: impl FnOnce(&TestPage)) {
        update_timers_and_animations();
        change(&self.page);
    }

    fn frames(&self) -> u64 {
        self.event_loop.hub.stats().frames
    }

    fn pixel(&self, x: usize, y: usize) -> u32 {
        let surface = self.event_loop.surface.borrow().upgrade().unwrap();
        surface.with_pixels(|pixels| pixels[y * 100 + x].0)
    }

    /// Runs turns as the real loop would, the clock jumping over its sleeps, for this long.
    fn run_for(&self, ms: u64) -> u32 {
        let end = self.clock.now() + Duration::from_millis(ms);
        let mut turns = 0;
        loop {
            let wait = self.turn();
            turns += 1;
            let next = wait.map_or(end, |wait| self.clock.now() + wait.max(Duration::from_micros(1)));
            if next >= end {
                self.clock.advance(end.saturating_sub(self.clock.now()));
                return turns;
            }
            self.clock.advance(next.saturating_sub(self.clock.now()));
        }
    }
}

#[test]
fn the_first_frame_fills_the_panel_at_the_panels_size() {
    let rig = rig();
    let wait = rig.turn();
    assert_eq!(rig.frames(), 1);
    assert_eq!(rig.event_loop.hub.stats().last_dirty_px, 100 * 200);
    assert_eq!(rig.pixel(99, 199), 0xFF10_2030);
    assert_eq!(rig.pixel(99, 0), 0xFFFF_FFFF);
    assert_eq!(rig.pixel(30, 20), GREEN);
    assert_eq!(wait, None, "nothing moves, so the loop may sleep for ever");
}

#[test]
fn a_press_is_drawn_in_the_same_turn_and_repaints_only_the_button() {
    let rig = rig();
    rig.turn();
    rig.advance(500);
    rig.touch(TouchPhase::Down, 30.0, 20.0);
    rig.turn();
    assert_eq!(rig.pixel(30, 20), RED);
    assert_eq!(rig.event_loop.hub.stats().last_dirty_px, 40 * 30);
    rig.advance(80);
    rig.touch(TouchPhase::Up, 30.0, 20.0);
    rig.turn();
    assert_eq!(rig.page.get_taps(), 1);
    assert_eq!(rig.page.get_changes(), 1, "change handlers run before the frame");
    assert_eq!(rig.pixel(30, 20), GREEN, "no hover is left behind");
}

#[test]
fn frames_keep_a_distance_and_an_animation_ends_with_the_loop_asleep() {
    let rig = rig();
    let watcher = rig.event_loop.hub.subscribe(Origin::new()).unwrap();
    rig.turn();
    rig.advance(500);
    rig.change(|page| page.set_moved(true));
    let before = rig.frames();
    rig.run_for(1_000);
    let watched = rig.frames() - before;
    assert!((17..=20).contains(&watched), "300 ms at 60 Hz took {watched} frames");
    assert_eq!(rig.turn(), None);

    drop(watcher);
    rig.change(|page| page.set_moved(false));
    let before = rig.frames();
    rig.run_for(1_000);
    let unwatched = rig.frames() - before;
    assert!((3..=6).contains(&unwatched), "300 ms with nobody watching took {unwatched} frames");
    assert_eq!(rig.turn(), None);
}

#[test]
fn a_fast_series_of_changes_is_drawn_at_most_sixty_times_a_second() {
    let rig = rig();
    rig.turn();
    rig.advance(500);
    let before = rig.frames();
    for n in 0..1_000_u32 {
        rig.page.set_tint(slint::Color::from_argb_encoded(0xFF00_0000 | n));
        rig.turn();
        rig.advance(1);
    }
    assert!(rig.frames() - before <= 61);
    rig.run_for(20);
    assert_eq!(rig.pixel(0, 199), 0xFF00_0000 | 999, "the last change is not lost");
}

#[test]
fn a_page_is_announced_after_it_was_drawn_and_takes_presses() {
    let rig = rig();
    let screen = rig.event_loop.hub.screen();
    let info = |id: &str, rev| ScreenInfo { id: id.into(), rev, say: String::new() };
    rig.event_loop.screen_changed(info("attract", 1));
    rig.turn();
    assert_eq!(screen.borrow().rev, 1, "there was no page before it that a press could be meant for");

    rig.advance(500);
    rig.event_loop.screen_changed(info("menu", 2));
    let wait = rig.turn();
    assert_eq!(screen.borrow().rev, 1);
    assert_eq!(wait, Some(PAGE_GUARD));
    rig.touch(TouchPhase::Down, 30.0, 20.0);
    rig.turn();
    assert_eq!(rig.pixel(30, 20), GREEN, "the press came too early");
    rig.clock.advance(PAGE_GUARD);
    rig.turn();
    assert_eq!(screen.borrow().rev, 2);

    rig.event_loop.screen_changed(info("menu", 3));
    rig.turn();
    assert_eq!(screen.borrow().rev, 3, "a new revision of the same page needs no guard");
}

#[test]
fn activity_and_refused_inputs_are_told_apart() {
    struct Counting {
        #[cfg(feature = "window")]
        page: TestPage,
        seen: Cell<u32>,
    }
    impl PageHooks for Counting {
        #[cfg(feature = "window")]
        fn window(&self) -> &slint::Window {
            self.page.window()
        }
        fn wants_text(&self) -> bool {
            false
        }
        fn on_activity(&self) {
            self.seen.set(self.seen.get() + 1);
        }
    }
    let rig = rig();
    let hooks = Rc::new(Counting {
        #[cfg(feature = "window")]
        page: rig.page.clone_strong(),
        seen: Cell::new(0),
    });
    rig.event_loop.attach(hooks.clone());
    rig.turn();
    rig.touch(TouchPhase::Down, 5.0, 5.0);
    rig.touch(TouchPhase::Down, f32::NAN, 5.0);
    rig.touch(TouchPhase::Up, 5.0, 5.0);
    rig.turn();
    assert_eq!(hooks.seen.get(), 1);
    let stats = rig.event_loop.hub.stats();
    assert_eq!((stats.inputs, stats.inputs_refused), (2, 1));
    rig.event_loop.detach();
}

#[test]
fn what_watchers_paint_is_what_the_screen_shows() {
    let rig = rig();
    rig.turn();
    let mut early = rig.event_loop.hub.subscribe(Origin::new()).unwrap();
    let mut canvas = vec![Xrgb8888(0); 100 * 200];
    rig.change(|page| page.set_moved(true));
    for step in 0..40 {
        rig.advance(17);
        rig.page.set_tint(slint::Color::from_rgb_u8(step, 0, 255 - step));
        rig.touch(if step % 2 == 0 { TouchPhase::Down } else { TouchPhase::Up }, 25.0, 15.0);
        rig.turn();
        // This watcher is slow: it looks at every third frame.
        if step % 3 == 0 {
            look(&mut early, &mut canvas);
        }
    }
    look(&mut early, &mut canvas);
    let mut late = rig.event_loop.hub.subscribe(Origin::new()).unwrap();
    let mut fresh = vec![Xrgb8888(0); 100 * 200];
    look(&mut late, &mut fresh);

    let surface = rig.event_loop.surface.borrow().upgrade().unwrap();
    let screen = surface.with_pixels(<[_]>::to_vec);
    assert!(canvas == screen);
    assert!(fresh == screen);
}

fn look(watcher: &mut Subscription, canvas: &mut [Xrgb8888]) {
    while let Some(copy) = watcher.take(700) {
        for part in copy.parts {
            let (x, y, w) = (usize::from(part.rect.x), usize::from(part.rect.y), usize::from(part.rect.w));
            for (row, line) in part.pixels.chunks(w).enumerate() {
                canvas[(y + row) * 100 + x..][..w].copy_from_slice(line);
            }
        }
    }
}

#[test]
fn partial_repaints_add_up_to_the_same_picture_as_a_full_one() {
    let rig = rig();
    rig.turn();
    for step in 0..25 {
        rig.advance(17);
        rig.change(|page| page.set_moved(step / 5 % 2 == 0));
        rig.turn();
    }
    let surface = rig.event_loop.surface.borrow().upgrade().unwrap();
    let partial = surface.with_pixels(|pixels| Snapshot::of_pixels(&rig.event_loop.hub.panel(), pixels));
    // Slint's own snapshot draws everything anew.
    let full = rig.page.window().take_snapshot().unwrap();
    assert_eq!((full.width(), full.height()), (100, 200));
    assert!(full.as_bytes() == partial.rgba);
}

#[test]
fn a_second_window_is_refused() {
    let rig = rig();
    assert!(TestPage::new().is_err());
    drop(rig);
}
