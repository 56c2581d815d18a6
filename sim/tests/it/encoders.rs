//! Golden bytes of outside encoders come out as the receipts they meant. `fixtures/generate.*` made them.

use sim::printer::{Config, Rendered, render};

use crate::support::{fixture, read_codes};

fn printed(name: &str) -> Vec<Rendered> {
    render(Config::default(), &fixture(name))
}

/// The dump without the tags on the left.
fn contents(receipt: &Rendered) -> Vec<&str> {
    receipt.dump.lines().filter_map(|line| line.split_once('|')).map(|(_, content)| content.trim()).collect()
}

#[test]
fn a_python_escpos_receipt_keeps_its_words_styles_and_codes() {
    let receipts = printed("python-escpos-receipt");
    let [receipt] = &receipts[..] else { panic!("one cut") };
    let expected = "\
        # receipt 1 · 576 × 853 dots · full cut\n\
        \x20    2x2 bold center | CAFÉ KIOSK\n\
        \x20      font-b center | Example Street 1 · Kraków\n\
        \x20                    | 2 × Burger ohne Zwiebel            19,00 €\n\
        \x20                    | Käsekuchen                          4,20 €\n\
        \x20                    | Crème brûlée                        5,10 €\n\
        \x20          underline | € Grüße Çığ Žluť Привет Ωμέγα\n\
        \x20       bold inverse |  PAID BY CARD\n\
        \x20               [qr] | https://receipt.example/r/0042  (M, 29 modules of 6 dots)\n\
        \x20            [ean13] | 4006381333931  (95 modules of 3 dots)\n\
        \x20          [code128] | KIOSK-0042  (145 modules of 2 dots)\n";
    assert_eq!(receipt.dump, expected);
    assert_eq!(
        read_codes(&receipt.png),
        ["CODE-128:KIOSK-0042", "EAN-13:4006381333931", "QR-Code:https://receipt.example/r/0042"]
    );
}

#[test]
fn every_bar_code_of_python_escpos_can_be_read_from_the_picture() {
    let receipts = printed("python-escpos-codes");
    assert_eq!(
        read_codes(&receipts[0].png),
        [
            "CODE-39:KIOSK42",
            "Codabar:A40156B",
            "EAN-13:0036000291452",
            "EAN-8:96385074",
            "I2/5:12345678",
            "UPC-E:01234565"
        ]
    );
}

#[test]
fn three_ways_to_send_one_picture_print_the_same_dots() {
    let pictures = ["python-escpos-bitImageRaster", "python-escpos-graphics", "python-escpos-bitImageColumn"]
        .map(|name| ink(&printed(name)[0].png));
    assert_eq!(pictures[0].len(), 53, "a disc of 53 rows: {:?}", pictures[0]);
    assert_eq!(pictures[0], pictures[1]);
    assert_eq!(pictures[0], pictures[2]);
}

#[test]
fn receiptline_prints_its_table_in_both_of_its_dialects() {
    for dialect in ["receiptline-escpos", "receiptline-generic"] {
        let receipts = printed(dialect);
        let [receipt, rest] = &receipts[..] else { panic!("{dialect}: two cuts") };
        let lines = contents(receipt);
        for expected in [
            "CAFE KIOSK",
            "Example Street 1 Table 7",
            "2 Burger                                   19.00",
            "Cheese cake                                 4.20",
            "TOTAL              23.20",
            "│         Wait         │         5 min         │",
            "4006381333931  (95 modules of 3 dots)",
        ] {
            assert!(lines.contains(&expected), "{dialect}: {expected:?} in {}", receipt.dump);
        }
        assert_eq!(contents(rest), [""], "{dialect}: a cut at the rule and one at the end");
        assert_eq!(
            read_codes(&receipt.png),
            ["EAN-13:4006381333931", "QR-Code:https://receipt.example/r/0042"],
            "{dialect}: it sends its QR as a picture"
        );
    }
}

#[test]
fn narrow_paper_breaks_lines_and_refuses_codes_that_do_not_fit() {
    let narrow = Config { width: sim::printer::PaperWidth::Dots384, ..Config::default() };
    let mut bytes = [b'x'; 40].to_vec();
    bytes.extend(b"\n\x1dw\x06\x1dkI\x0c{B0123456789\x1dVB\0");
    let receipts = render(narrow, &bytes);
    let lines = contents(&receipts[0]);
    assert_eq!((lines[0].len(), lines[1].len()), (32, 8));
    assert!(lines[2].contains("does not fit into 384"), "{}", lines[2]);
}

/// The rows of a picture that hold ink, as a list of the columns where ink begins and ends.
fn ink(png: &[u8]) -> Vec<Vec<usize>> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let width = usize::try_from(info.width).unwrap();
    let rows = pixels.chunks(info.line_size).map(|row| {
        let black = |x: &usize| row[x / 8] & (0x80 >> (x % 8)) != 0;
        (1..width).filter(|x| black(x) != black(&(x - 1))).collect::<Vec<_>>()
    });
    rows.filter(|edges| !edges.is_empty()).collect()
}
