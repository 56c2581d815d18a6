//! Whether the kiosk's books and the terminal's agree: the judge of every test about money.

use kioskd::admin::wire::Request;
use tests::process::wait_until;

use super::{SOON, Shop};

/// What both sides say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Money the terminal took and did not give back, in minor units.
    pub terminal: i64,
    /// Totals of the kiosk's paid orders less what was refunded.
    pub kiosk: i64,
    /// Paid orders.
    pub paid: usize,
    /// Their fiscal numbers.
    pub fiscal: Vec<u64>,
    /// Payments whose end the kiosk does not know yet.
    pub open: u64,
    /// Things a person must do.
    pub tasks: usize,
}

impl Shop {
    /// What both sides say now.
    pub fn books(&self) -> Books {
        let state = self.rig.sim(&["state", "terminal"]).unwrap();
        let mut books =
            Books { terminal: state["ledger"]["net_minor"].as_i64().unwrap(), ..Books::default() };
        let orders = self.rig.ask(&Request::Orders { limit: 1000 }).unwrap();
        for order in orders.as_array().unwrap() {
            if let Some(fiscal) = order["fiscal"].as_u64() {
                books.paid += 1;
                books.fiscal.push(fiscal);
                books.kiosk +=
                    order["total_minor"].as_i64().unwrap() - order["refunded_minor"].as_i64().unwrap();
            }
        }
        books.fiscal.sort_unstable();
        let status = self.rig.ask(&Request::Status).unwrap();
        books.open = status["open_payments"].as_u64().unwrap();
        books.tasks = status["tasks"].as_array().unwrap().len();
        books
    }

    /// Waits until nothing is open, and demands that both sides agree and every number was given once.
    pub fn settled_books(&self) -> Books {
        let books = wait_until(SOON, || Some(self.books()).filter(|b| b.open == 0))
            .unwrap_or_else(|| panic!("payments stay open: {:?}", self.books()));
        assert_eq!(books.terminal, books.kiosk, "{books:?}");
        let numbers: Vec<u64> = (1..).take(books.paid).collect();
        assert_eq!(books.fiscal, numbers, "fiscal numbers without gap or repeat");
        books
    }
}
