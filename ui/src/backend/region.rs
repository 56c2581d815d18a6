//! Rectangles of the picture and sets of them: what is dirty, what a watcher has not seen yet.

/// More rectangles than this are merged: the wire carries at most 64 in one message.
pub const MAX_RECTS: usize = 64;

/// A rectangle in picture pixels, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: u16,
    /// Top edge.
    pub y: u16,
    /// Width, at least 1.
    pub w: u16,
    /// Height, at least 1.
    pub h: u16,
}

impl Rect {
    /// The part of a rectangle that lies inside a picture of `width`×`height`; `None` when nothing does.
    #[must_use]
    pub fn clipped(x: i32, y: i32, w: u32, h: u32, (width, height): (u16, u16)) -> Option<Self> {
        let (left, width) = clip_span(x, w, width)?;
        let (top, height) = clip_span(y, h, height)?;
        Some(Self { x: left, y: top, w: width, h: height })
    }

    /// Number of pixels.
    #[must_use]
    pub fn area(&self) -> u64 {
        u64::from(self.w) * u64::from(self.h)
    }

    fn right(&self) -> u32 {
        u32::from(self.x) + u32::from(self.w)
    }

    fn bottom(&self) -> u32 {
        u32::from(self.y) + u32::from(self.h)
    }

    fn contains(&self, other: &Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
    }

    /// The smallest rectangle around both.
    fn union(&self, other: &Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let span = |end: u32, start: u16| {
            u16::try_from(end - u32::from(start)).expect("both rectangles lie in one picture of u16 sides")
        };
        Self {
            x,
            y,
            w: span(self.right().max(other.right()), x),
            h: span(self.bottom().max(other.bottom()), y),
        }
    }

    /// Pixels that a merge would send although neither rectangle asks for them (negative: they overlap).
    fn merge_cost(&self, other: &Self) -> i64 {
        let signed = |area: u64| i64::try_from(area).expect("an area of two u16 sides fits");
        signed(self.union(other).area()) - signed(self.area()) - signed(other.area())
    }
}

fn clip_span(start: i32, length: u32, limit: u16) -> Option<(u16, u16)> {
    let from = i64::from(start).clamp(0, i64::from(limit));
    let to = (i64::from(start) + i64::from(length)).clamp(0, i64::from(limit));
    let (from, to) = (u16::try_from(from).ok()?, u16::try_from(to).ok()?);
    (to > from).then_some((from, to - from))
}

/// A set of pixels kept as at most [`MAX_RECTS`] rectangles. It may grow beyond what was added, never shrink below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Region {
    rects: Vec<Rect>,
}

impl Region {
    /// Adds a rectangle. Rectangles that cost nothing to merge are merged.
    pub fn add(&mut self, rect: Rect) {
        let mut rect = rect;
        while let Some(near) = self.rects.iter().position(|have| have.merge_cost(&rect) <= 0) {
            if self.rects[near].contains(&rect) {
                return;
            }
            rect = self.rects.swap_remove(near).union(&rect);
        }
        self.rects.push(rect);
        if self.rects.len() > MAX_RECTS {
            self.merge_cheapest_pair();
        }
    }

    /// Adds every rectangle of `other`.
    pub fn add_all(&mut self, other: &Self) {
        for rect in &other.rects {
            self.add(*rect);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.rects.clear();
    }

    /// The rectangles.
    #[must_use]
    pub fn rects(&self) -> &[Rect] {
        &self.rects
    }

    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// Sum of the areas of its rectangles.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.rects.iter().map(Rect::area).sum()
    }

    /// Takes rectangles out until `budget` pixels are reached; a rectangle that is too large is cut between two
    /// lines and its rest stays. Always takes at least one line.
    #[must_use]
    pub fn take(&mut self, budget: u64) -> Vec<Rect> {
        let mut taken = Vec::with_capacity(self.rects.len());
        let mut left = budget;
        while let Some(mut rect) = self.rects.pop() {
            if rect.area() <= left {
                left -= rect.area();
                taken.push(rect);
                continue;
            }
            let lines = u16::try_from(left / u64::from(rect.w)).unwrap_or(rect.h);
            let lines = if taken.is_empty() { lines.max(1) } else { lines };
            if lines > 0 {
                taken.push(Rect { h: lines, ..rect });
                rect = Rect { y: rect.y + lines, h: rect.h - lines, ..rect };
            }
            if rect.h > 0 {
                self.rects.push(rect);
            }
            break;
        }
        taken
    }

    fn merge_cheapest_pair(&mut self) {
        let pairs = (0..self.rects.len()).flat_map(|a| (a + 1..self.rects.len()).map(move |b| (a, b)));
        let cheapest = pairs.min_by_key(|&(a, b)| self.rects[a].merge_cost(&self.rects[b]));
        if let Some((a, b)) = cheapest {
            let gone = self.rects.swap_remove(b);
            let merged = self.rects.swap_remove(a).union(&gone);
            self.add(merged);
        }
    }
}

impl FromIterator<Rect> for Region {
    fn from_iter<I: IntoIterator<Item = Rect>>(rects: I) -> Self {
        let mut region = Self::default();
        for rect in rects {
            region.add(rect);
        }
        region
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDE: u16 = 200;

    fn any_rect() -> impl Strategy<Value = Rect> {
        (0..SIDE, 0..SIDE)
            .prop_flat_map(|(x, y)| (Just(x), Just(y), 1..=SIDE - x, 1..=SIDE - y))
            .prop_map(|(x, y, w, h)| Rect { x, y, w, h })
    }

    fn small_rect() -> impl Strategy<Value = Rect> {
        (0..SIDE - 8, 0..SIDE - 8, 1..8_u16, 1..8_u16).prop_map(|(x, y, w, h)| Rect { x, y, w, h })
    }

    fn covered(rects: &[Rect]) -> Vec<bool> {
        let side = usize::from(SIDE);
        let mut cells = vec![false; side * side];
        for rect in rects {
            for y in usize::from(rect.y)..usize::from(rect.y) + usize::from(rect.h) {
                let start = y * side + usize::from(rect.x);
                cells[start..start + usize::from(rect.w)].fill(true);
            }
        }
        cells
    }

    fn covers(have: &[Rect], want: &[Rect]) -> bool {
        covered(have).iter().zip(covered(want)).all(|(have, want)| *have || !want)
    }

    proptest! {
        #[test]
        fn a_region_never_loses_a_pixel_and_never_exceeds_its_limit(
            large in prop::collection::vec(any_rect(), 0..6),
            small in prop::collection::vec(small_rect(), 0..150),
        ) {
            let all: Vec<_> = small.into_iter().chain(large).collect();
            let region: Region = all.iter().copied().collect();
            prop_assert!(region.rects().len() <= MAX_RECTS);
            prop_assert!(covers(region.rects(), &all));
            let whole = Rect { x: 0, y: 0, w: SIDE, h: SIDE };
            prop_assert!(region.rects().iter().all(|rect| whole.contains(rect)));
        }

        #[test]
        fn taking_in_portions_yields_everything_once(
            rects in prop::collection::vec(any_rect(), 1..20),
            budget in 1_u64..5_000,
        ) {
            let mut region: Region = rects.iter().copied().collect();
            let total = region.area();
            let mut taken = Vec::new();
            while !region.is_empty() {
                let portion = region.take(budget);
                let area: u64 = portion.iter().map(Rect::area).sum();
                prop_assert!(!portion.is_empty());
                prop_assert!(area <= budget || (portion.len() == 1 && portion[0].h == 1));
                taken.extend(portion);
            }
            prop_assert_eq!(taken.iter().map(Rect::area).sum::<u64>(), total);
            prop_assert!(covers(&taken, &rects));
        }
    }

    #[test]
    fn a_rectangle_partly_outside_is_clipped_and_one_fully_outside_is_dropped() {
        assert_eq!(Rect::clipped(-5, 90, 20, 20, (100, 100)), Some(Rect { x: 0, y: 90, w: 15, h: 10 }));
        assert_eq!(Rect::clipped(100, 0, 5, 5, (100, 100)), None);
        assert_eq!(Rect::clipped(-9, 0, 9, 5, (100, 100)), None);
        assert_eq!(Rect::clipped(0, 0, 0, 5, (100, 100)), None);
    }
}
