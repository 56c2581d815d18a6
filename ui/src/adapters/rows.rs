//! Models that change row by row. Replacing a whole model would rebuild and repaint every row of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use slint::{Model, ModelRc, VecModel};

/// A model that is told what it should hold and changes only the rows that differ.
pub(crate) struct Rows<T> {
    model: Rc<VecModel<T>>,
}

impl<T: Clone + PartialEq + 'static> Rows<T> {
    /// The model for the pages.
    pub fn model(&self) -> ModelRc<T> {
        Rc::clone(&self.model).into()
    }

    /// Makes the model hold these rows.
    pub fn show(&self, rows: impl IntoIterator<Item = T>) {
        let mut shown = 0;
        for row in rows {
            match self.model.row_data(shown) {
                Some(old) if old == row => {}
                Some(_) => self.model.set_row_data(shown, row),
                None => self.model.push(row),
            }
            shown += 1;
        }
        while self.model.row_count() > shown {
            self.model.remove(self.model.row_count() - 1);
        }
    }
}

impl<T: Clone + 'static> Default for Rows<T> {
    fn default() -> Self {
        Self { model: Rc::new(VecModel::default()) }
    }
}

/// A list of which one page is shown.
pub(crate) struct Paged<T> {
    all: RefCell<Vec<T>>,
    page: Cell<usize>,
    per_page: Cell<usize>,
    rows: Rows<T>,
}

impl<T: Clone + PartialEq + 'static> Paged<T> {
    /// The model of the page shown.
    pub fn model(&self) -> ModelRc<T> {
        self.rows.model()
    }

    /// Takes a new list; the page stays if it still exists.
    pub fn fill(&self, all: Vec<T>, per_page: usize) {
        self.per_page.set(per_page.max(1));
        *self.all.borrow_mut() = all;
        self.turn(0);
    }

    /// Takes a new list and shows the page that holds this row.
    pub fn fill_showing(&self, all: Vec<T>, per_page: usize, row: usize) {
        self.page.set(row / per_page.max(1));
        self.fill(all, per_page);
    }

    /// Goes back to the first page, with the next [`Self::fill`].
    pub fn restart(&self) {
        self.page.set(0);
    }

    /// Turns pages; stops at the ends.
    pub fn turn(&self, by: i32) {
        let last = self.pages() - 1;
        let page = self.page.get().saturating_add_signed(by.try_into().unwrap_or(0)).min(last);
        self.page.set(page);
        // Not under the borrow: showing rows runs code of the pages.
        let from = page * self.per_page.get();
        let rows: Vec<T> = self.all.borrow().iter().skip(from).take(self.per_page.get()).cloned().collect();
        self.rows.show(rows);
    }

    /// Counted from 0.
    pub fn page(&self) -> i32 {
        self.page.get().try_into().unwrap_or(i32::MAX)
    }

    /// At least 1.
    pub fn pages(&self) -> usize {
        self.all.borrow().len().div_ceil(self.per_page.get()).max(1)
    }

    /// At least 1, for the pages.
    pub fn page_count(&self) -> i32 {
        self.pages().try_into().unwrap_or(i32::MAX)
    }
}

impl<T: Clone + 'static> Default for Paged<T> {
    fn default() -> Self {
        Self { all: RefCell::default(), page: Cell::new(0), per_page: Cell::new(1), rows: Rows::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use slint::private_unstable_api::re_exports::{ModelChangeListener, ModelChangeListenerContainer};

    use super::*;

    /// Counts what a repeater would be told.
    #[derive(Default)]
    struct Watcher {
        changed: Cell<usize>,
        added: Cell<usize>,
        removed: Cell<usize>,
        resets: Cell<usize>,
    }

    impl ModelChangeListener for Watcher {
        fn row_changed(self: Pin<&Self>, _row: usize) {
            self.changed.set(self.changed.get() + 1);
        }
        fn row_added(self: Pin<&Self>, _index: usize, count: usize) {
            self.added.set(self.added.get() + count);
        }
        fn row_removed(self: Pin<&Self>, _index: usize, count: usize) {
            self.removed.set(self.removed.get() + count);
        }
        fn reset(self: Pin<&Self>) {
            self.resets.set(self.resets.get() + 1);
        }
    }

    #[test]
    fn only_the_row_that_differs_is_touched() {
        let rows = Rows::default();
        rows.show([1, 2, 3]);
        let watcher = Box::pin(ModelChangeListenerContainer::<Watcher>::default());
        rows.model().model_tracker().attach_peer(watcher.as_ref().model_peer());
        rows.show([1, 5, 3, 4]);
        let seen = watcher.as_ref().get();
        let counts = (seen.changed.get(), seen.added.get(), seen.removed.get(), seen.resets.get());
        assert_eq!(counts, (1, 1, 0, 0));
        rows.show([1]);
        assert_eq!(watcher.as_ref().get().removed.get(), 3);
        assert_eq!(rows.model().iter().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn turning_stops_at_both_ends_and_a_shorter_list_keeps_the_page_in_range() {
        let paged = Paged::default();
        paged.fill((0..14).collect(), 6);
        assert_eq!((paged.page(), paged.page_count()), (0, 3));
        paged.turn(-1);
        assert_eq!(paged.page(), 0);
        paged.turn(1);
        paged.turn(1);
        paged.turn(1);
        assert_eq!((paged.page(), paged.model().iter().collect::<Vec<_>>()), (2, vec![12, 13]));
        paged.fill_showing((0..14).collect(), 6, 7);
        assert_eq!((paged.page(), paged.model().iter().next()), (1, Some(6)));
        paged.fill((0..3).collect(), 6);
        assert_eq!((paged.page(), paged.model().row_count()), (0, 3));
        paged.fill(Vec::new(), 6);
        assert_eq!((paged.page(), paged.page_count(), paged.model().row_count()), (0, 1, 0));
    }
}
