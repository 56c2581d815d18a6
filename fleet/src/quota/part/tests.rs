use proptest::prelude::*;

use super::*;

fn seller(here: bool, sold: i64, ceiling: i64, offered: i64) -> Seller {
    let part =
        Part { epoch: 1, sold: sold * PIECE, ceiling: ceiling * PIECE, offered: offered * PIECE, size: 0 };
    Seller { here, keeps: false, part }
}

/// What each may sell by the latest quota, and what is set aside for it, in pieces.
fn shared(on_hand: i64, mut sellers: Vec<Seller>) -> Vec<(i64, i64)> {
    share_out(on_hand * PIECE, &mut sellers);
    sellers.iter().map(|s| (s.part.left() / PIECE, s.part.outstanding() / PIECE)).collect()
}

#[test]
fn half_of_a_shelf_is_shared_out_evenly_whatever_was_sold_before() {
    let new = |sold| seller(true, sold, sold, sold);
    assert_eq!(shared(24, vec![new(0), new(7), new(100)]), [(4, 4); 3]);
}

#[test]
fn of_few_each_gets_a_piece_while_there_are_any() {
    let new = || seller(true, 0, 0, 0);
    assert_eq!(shared(2, vec![new(), new(), new()]), [(1, 1), (1, 1), (0, 0)]);
    assert_eq!(shared(0, vec![new(), new()]), [(0, 0), (0, 0)]);
    // Half a piece of something that is weighed is better than none.
    let mut sellers = [new(), new()];
    share_out(PIECE / 2, &mut sellers);
    assert_eq!(sellers.map(|s| s.part.left()), [PIECE / 2, 0]);
}

#[test]
fn who_has_half_of_its_part_keeps_it_and_who_has_less_gets_more_as_far_as_it_goes() {
    // 20 are there, parts of 5; 14 are set aside for the one that is away.
    let sellers = vec![seller(false, 10, 24, 24), seller(true, 3, 6, 6), seller(true, 5, 5, 5)];
    assert_eq!(shared(20, sellers), [(14, 14), (3, 3), (3, 3)]);
}

#[test]
fn who_has_far_too_much_is_offered_less_but_it_stays_set_aside_until_it_is_in_force() {
    let sellers = vec![seller(true, 0, 20, 20), seller(true, 0, 0, 0)];
    assert_eq!(shared(20, sellers), [(5, 20), (0, 0)]);
    // Then it is in force.
    let sellers = vec![seller(true, 0, 5, 5), seller(true, 0, 0, 0)];
    assert_eq!(shared(20, sellers), [(5, 5), (5, 5)]);
}

#[test]
fn what_a_customer_asked_for_is_not_taken_back() {
    let mut asked = seller(true, 0, 9, 9);
    asked.keeps = true;
    assert_eq!(shared(10, vec![asked, seller(true, 0, 0, 0)]), [(9, 9), (1, 1)]);
}

#[test]
fn what_was_offered_to_more_than_is_there_is_offered_to_fewer() {
    let sellers = vec![seller(true, 0, 2, 2), seller(true, 2, 4, 4), seller(true, 4, 5, 5)];
    assert_eq!(shared(4, sellers), [(1, 2), (2, 2), (1, 1)]);
}

#[test]
fn what_is_on_its_way_back_is_offered_again_before_what_is_free() {
    // It was offered 2 of the 10 it had, has sold them, and has not said yet which it took.
    let mut sellers = [seller(true, 2, 10, 2)];
    share_out(12 * PIECE, &mut sellers);
    assert_eq!((sellers[0].part.offered, sellers[0].part.ceiling), (8 * PIECE, 10 * PIECE));
}

fn any_seller() -> impl Strategy<Value = Seller> {
    (any::<(bool, bool)>(), 0..5_000_000_i64, 0..3_000_000_i64, 0..3_000_000_i64).prop_map(
        |((here, keeps), sold, more, offered)| {
            let ceiling = sold + more;
            let part = Part { epoch: 1, sold, ceiling, offered: sold + offered.min(more), size: 0 };
            Seller { here, keeps, part }
        },
    )
}

proptest! {
    #[test]
    fn a_shelf_is_never_shared_out_twice(
        on_hand in 0..20_000_000_i64,
        mut sellers in proptest::collection::vec(any_seller(), 1..12),
    ) {
        let before = sellers.clone();
        let held = |sellers: &[Seller]| sellers.iter().map(|s| s.part.outstanding()).sum::<i64>();
        let was = held(&before);
        share_out(on_hand, &mut sellers);
        let held = held(&sellers);
        prop_assert!(held <= on_hand.max(was), "{} set aside of {}, before {}", held, on_hand, was);
        for (old, new) in before.iter().zip(&sellers) {
            prop_assert!(new.part.ceiling >= old.part.ceiling, "only the kiosk's word lowers a ceiling");
            prop_assert!(new.part.offered <= new.part.ceiling, "nothing is offered that is not set aside");
            prop_assert_eq!(new.part.sold, old.part.sold);
            if !new.here {
                prop_assert_eq!(new.part, old.part, "who is away keeps what it has");
            }
            if new.keeps {
                prop_assert!(new.part.offered >= old.part.offered, "what a customer asked for stays");
            }
        }
        // What is offered can be sold, but for what is set aside for those from which nothing can be taken.
        let taken = |s: &&Seller| s.here && !s.keeps;
        let fixed: i64 = before.iter().filter(|s| !taken(s)).map(|s| s.part.outstanding()).sum();
        let offered: i64 = sellers.iter().filter(taken).map(|s| s.part.left()).sum();
        prop_assert!(offered <= (on_hand - fixed).max(0));
        // Looked at again without news, nothing moves: no message follows from no change.
        let after = sellers.clone();
        share_out(on_hand, &mut sellers);
        let offers = |s: &[Seller]| s.iter().map(|s| s.part.offered).collect::<Vec<_>>();
        prop_assert_eq!(offers(&sellers), offers(&after));
    }

    #[test]
    fn when_all_agree_no_half_of_a_shelf_lies_unused(
        pieces in 0..2000_i64,
        count in 1..20_usize,
    ) {
        let mut sellers = vec![seller(true, 0, 0, 0); count];
        share_out(pieces * PIECE, &mut sellers);
        let held: i64 = sellers.iter().map(|s| s.part.outstanding()).sum::<i64>() / PIECE;
        let most = pieces.min(i64::try_from(count).unwrap());
        prop_assert!(held >= most.min(pieces) && held <= pieces);
        let sizes: Vec<i64> = sellers.iter().map(|s| s.part.left() / PIECE).collect();
        let spread = sizes.iter().max().unwrap() - sizes.iter().min().unwrap();
        prop_assert!(spread <= 1, "{:?}", sizes);
    }
}
