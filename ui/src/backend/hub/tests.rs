use proptest::prelude::*;

use super::super::clock::ManualClock;
use super::*;

const SIDE: u16 = 64;

fn hub() -> Arc<FrameHub> {
    let panel = Panel::new(SIDE.into(), SIDE.into(), 0.3).unwrap();
    FrameHub::new(panel, Arc::new(ManualClock::default()), || ())
}

fn black() -> Vec<Xrgb8888> {
    vec![Xrgb8888::BLACK; usize::from(SIDE) * usize::from(SIDE)]
}

/// Draws a filled rectangle and hands the frame to the hub, as the screen's thread would.
fn draw(hub: &FrameHub, pixels: &mut [Xrgb8888], rect: Rect, colour: u32) {
    for row in rows(hub.panel, rect) {
        pixels[row].fill(Xrgb8888(0xFF00_0000 | colour));
    }
    let dirty = Region::from_iter([rect]);
    let render_time = Duration::from_micros(10);
    hub.accept(&Frame { pixels, dirty: &dirty, rendered_at: Duration::ZERO, render_time, applied: None });
}

fn serve(hub: &FrameHub, pixels: &[Xrgb8888]) {
    if hub.takes_attention() {
        hub.service(pixels);
    }
}

fn paint(canvas: &mut [Xrgb8888], panel: Panel, copy: FrameCopy) {
    for part in copy.parts {
        let width = usize::from(part.rect.w);
        for (row, line) in rows(panel, part.rect).zip(part.pixels.chunks(width)) {
            canvas[row].copy_from_slice(line);
        }
    }
}

fn any_rect() -> impl Strategy<Value = Rect> {
    (0..SIDE, 0..SIDE)
        .prop_flat_map(|(x, y)| (Just(x), Just(y), 1..=SIDE - x, 1..=SIDE - y))
        .prop_map(|(x, y, w, h)| Rect { x, y, w, h })
}

#[derive(Debug, Clone)]
enum Op {
    Draw(Rect, u32),
    Look { watcher: usize, budget: u64 },
    Rejoin(usize),
    WantFull(usize),
    Serve,
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (any_rect(), 0..0xFF_FFFF_u32).prop_map(|(rect, colour)| Op::Draw(rect, colour)),
        4 => (0..3_usize, 1..9_000_u64).prop_map(|(watcher, budget)| Op::Look { watcher, budget }),
        1 => (0..3_usize).prop_map(Op::Rejoin),
        1 => (0..3_usize).prop_map(Op::WantFull),
        2 => Just(Op::Serve),
    ]
}

proptest! {
    /// However slow a watcher is and whenever it comes and goes: when it has taken everything it sees the screen.
    #[test]
    fn every_watcher_ends_with_the_picture_of_the_screen(ops in prop::collection::vec(any_op(), 1..60)) {
        let hub = hub();
        let mut pixels = black();
        let mut watchers: Vec<Option<(Subscription, Vec<Xrgb8888>)>> = vec![None, None, None];
        for op in ops {
            match op {
                Op::Draw(rect, colour) => draw(&hub, &mut pixels, rect, colour),
                Op::Look { watcher, budget } => {
                    if let Some((subscription, canvas)) = &mut watchers[watcher]
                        && let Some(copy) = subscription.take(budget)
                    {
                        paint(canvas, hub.panel, copy);
                    }
                }
                Op::Rejoin(watcher) => {
                    // A canvas that was never painted shows something that no frame contains.
                    let canvas = vec![Xrgb8888(0xDEAD_BEEF); pixels.len()];
                    watchers[watcher] = None;
                    watchers[watcher] = Some((hub.subscribe(Origin::new()).unwrap(), canvas));
                }
                Op::WantFull(watcher) => {
                    if let Some((subscription, _)) = &mut watchers[watcher] {
                        subscription.want_full();
                    }
                }
                Op::Serve => serve(&hub, &pixels),
            }
        }
        serve(&hub, &pixels);
        for (mut subscription, mut canvas) in watchers.into_iter().flatten() {
            while let Some(copy) = subscription.take(500) {
                paint(&mut canvas, hub.panel, copy);
            }
            prop_assert!(canvas == pixels);
        }
    }
}

#[test]
fn nothing_is_copied_while_nobody_watches() {
    let hub = hub();
    let mut pixels = black();
    draw(&hub, &mut pixels, Rect { x: 0, y: 0, w: 9, h: 9 }, 0x12_3456);
    assert!(hub.state().picture.is_empty());
    let subscription = hub.subscribe(Origin::new()).unwrap();
    assert!(!hub.state().picture.is_empty());
    drop(subscription);
    assert!(hub.state().picture.is_empty());
    assert!(!hub.is_watched());
}

#[test]
fn a_frame_confirms_the_inputs_of_its_own_watcher_only() {
    let hub = hub();
    let pixels = black();
    let (mine, other) = (Origin::new(), Origin::new());
    let mut watcher = hub.subscribe(mine).unwrap();
    let mut stranger = hub.subscribe(other).unwrap();
    serve(&hub, &pixels);
    let dirty = Region::from_iter([Rect { x: 0, y: 0, w: 1, h: 1 }]);
    hub.accept(&Frame {
        pixels: &pixels,
        dirty: &dirty,
        rendered_at: Duration::from_micros(7),
        render_time: Duration::ZERO,
        applied: Some((mine, 17)),
    });
    let copy = watcher.take(u64::MAX).unwrap();
    assert_eq!((copy.applied, copy.rendered_at), (17, Duration::from_micros(7)));
    assert_eq!(stranger.take(u64::MAX).unwrap().applied, 0);
}

#[test]
fn the_ninth_watcher_is_refused_and_gets_the_place_of_one_who_leaves() {
    let hub = hub();
    let mut watchers: Vec<_> = (0..MAX_WATCHERS).map(|_| hub.subscribe(Origin::new()).unwrap()).collect();
    assert!(hub.subscribe(Origin::new()).is_err());
    watchers.pop();
    assert!(hub.subscribe(Origin::new()).is_ok());
}

#[test]
fn a_screenshot_shows_the_screen_without_any_watcher() {
    let hub = hub();
    let mut pixels = black();
    draw(&hub, &mut pixels, Rect { x: 1, y: 0, w: 1, h: 1 }, 0x0A_0B0C);
    let snapshot = std::thread::scope(|scope| {
        let asking = scope.spawn(|| hub.snapshot(Duration::from_secs(10)).unwrap());
        while !asking.is_finished() {
            serve(&hub, &pixels);
            std::thread::yield_now();
        }
        asking.join().unwrap()
    });
    assert_eq!(snapshot.rgba[..8], [0, 0, 0, 255, 0x0A, 0x0B, 0x0C, 255]);
}

#[test]
fn a_screenshot_of_a_silent_or_closed_screen_is_an_error_not_a_hang() {
    let hub = hub();
    assert!(matches!(hub.snapshot(Duration::from_millis(1)), Err(SnapshotError::Timeout(_))));
    hub.close();
    assert!(matches!(hub.snapshot(Duration::from_secs(10)), Err(SnapshotError::Closed)));
}
