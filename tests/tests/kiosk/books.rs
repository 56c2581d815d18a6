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
    /// Paid orders whose money went back.
    pub refunded: usize,
    /// Fiscal numbers of the sales.
    pub fiscal: Vec<u64>,
    /// The last fiscal number given to a sale or refund.
    pub last_fiscal: u64,
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
                let refunded = order["refunded_minor"].as_i64().unwrap();
                books.paid += 1;
                books.refunded += usize::from(refunded > 0);
                books.fiscal.push(fiscal);
                books.kiosk += order["total_minor"].as_i64().unwrap() - refunded;
            }
        }
        books.fiscal.sort_unstable();
        let status = self.rig.ask(&Request::Status).unwrap();
        books.last_fiscal = status["fiscal"]["last"].as_u64().unwrap();
        books.open = status["open_payments"].as_u64().unwrap();
        books.tasks = status["tasks"].as_array().unwrap().len();
        books
    }

    /// Waits until nothing is open, and demands that both sides agree and every number was given once.
    pub fn settled_books(&self) -> Books {
        let books = wait_until(SOON, || Some(self.books()).filter(|b| b.open == 0))
            .unwrap_or_else(|| panic!("payments stay open: {:?}", self.books()));
        assert_eq!(books.terminal, books.kiosk, "{books:?}");
        let given = books.paid + books.refunded;
        assert_eq!(usize::try_from(books.last_fiscal), Ok(given), "fiscal numbers without a gap: {books:?}");
        assert!(books.fiscal.windows(2).all(|pair| pair[0] < pair[1]), "no number twice: {books:?}");
        books
    }
}
