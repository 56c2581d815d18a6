use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::printer::document::{BarCodeKind, QrCorrection, ReadableText, Span};

/// What python-escpos sends for the same wishes, by name.
fn outside() -> BTreeMap<String, Vec<u8>> {
    include_str!("../../../tests/outside/python_escpos.hex")
        .lines()
        .map(|line| {
            let (name, hex) = line.split_once('=').unwrap();
            let hex = hex.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap());
            (name.to_owned(), hex.map(|two| u8::from_str_radix(two, 16).unwrap()).collect())
        })
        .collect()
}

fn shaper() -> TextShaper {
    let arabic = include_bytes!("../../../tests/fonts/arabic.ttf").to_vec();
    let han = include_bytes!("../../../tests/fonts/han.ttf").to_vec();
    TextShaper::new([arabic, han]).unwrap()
}

fn encoded(profile: &Profile, block: impl Into<Block>) -> EncodedDocument {
    encode(PrintDocument::new().push(block), profile, Some(&mut shaper())).unwrap()
}

/// The bytes of one block, without what every job starts with.
fn bytes(profile: &Profile, block: impl Into<Block>) -> Vec<u8> {
    let mut start = vec![0x1B, 0x40];
    if profile.has_auto_status {
        start.extend([0x1D, 0x61, 0x0F]);
    }
    start.extend([0x1B, 0x52, 0x00, 0x1B, 0x74, 0x00]);
    let all = encoded(profile, block).bytes;
    all.strip_prefix(start.as_slice()).expect("every job starts from a reset printer").to_vec()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// What a printer with these page numbers would print: text, `ESC t n` and line feeds only.
fn read_text(profile: &Profile, bytes: &[u8]) -> String {
    let mut page = profile.pages[0];
    let mut text = String::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            0x1B => {
                assert_eq!(tail[0], 0x74);
                page = *profile.pages.iter().find(|numbered| numbered.number == tail[1]).unwrap();
                rest = &tail[2..];
            }
            0x0A => text.push('\n'),
            byte => text.push(page.page.decode(*byte).unwrap()),
        }
    }
    text
}

fn page_switches(bytes: &[u8]) -> usize {
    bytes.windows(2).filter(|two| *two == [0x1B, 0x74]).count()
}

fn qr(data: &str, module_dots: u8, correction: QrCorrection) -> QrCode {
    QrCode { data: data.into(), module_dots, correction, align: Align::Start }
}

fn bar(kind: BarCodeKind, data: &str) -> BarCode {
    let (height_dots, readable, align) = (80, ReadableText::Below, Align::Start);
    BarCode { kind, data: data.to_owned(), height_dots, readable, align }
}

/// The picture that the outside script draws.
fn picture() -> BitImage {
    let mut image = BitImage::new(40, 20);
    for y in 0..20 {
        for x in 0..40 {
            image.set(x, y, (x * y) % 7 == 0 || x == 39);
        }
    }
    image
}

#[test]
fn qr_commands_are_those_of_python_escpos() {
    let outside = outside();
    let epson = Profile::tm_t88v();
    let kiosk = bytes(&epson, qr("KIOSK", 6, QrCorrection::Medium));
    assert!(contains(&kiosk, &outside["qr_kiosk"]));
    assert!(contains(&kiosk, &[0x1D, 0x28, 0x6B, 8, 0, 0x31, 0x50, 0x30, 0x4B, 0x49, 0x4F, 0x53, 0x4B]));
    let high = bytes(&epson, qr("https://example.org/r/0123456789?x=1", 4, QrCorrection::High));
    assert!(contains(&high, &outside["qr_high"]));
}

#[test]
fn bar_code_commands_are_those_of_python_escpos() {
    let outside = outside();
    let same = |kind, data: &str, name: &str, fixed: Option<(usize, u8)>| {
        let ours = bytes(&Profile::tm_t88v(), bar(kind, data));
        let mut theirs = outside[name].clone();
        // Theirs also chooses the font of the readable text, which we leave at the model's own.
        let font = theirs.windows(2).position(|two| two == [0x1D, 0x66]).unwrap();
        theirs.drain(font..font + 3);
        if let Some((length_at, check_digit)) = fixed {
            theirs[length_at] += 1;
            theirs.push(check_digit);
        }
        assert_eq!(ours, theirs, "{name}");
    };
    same(BarCodeKind::Ean13, "4006381333931", "ean13", None);
    same(BarCodeKind::Ean8, "96385074", "ean8", None);
    same(BarCodeKind::Code39, "KIOSK-7", "code39", None);
    same(BarCodeKind::Itf, "12345678", "itf", None);
    same(BarCodeKind::Code128, "Order 17", "code128", None);
    // We send the check digit that theirs leaves to the printer.
    same(BarCodeKind::UpcA, "03614141414", "upca", Some((12, b'7')));
}

#[test]
fn style_commands_are_those_of_python_escpos() {
    let outside = outside();
    let epson = Profile::tm_t88v();
    assert!(contains(&bytes(&epson, Line::new("x").bold()), &outside["bold"]));
    assert!(contains(&bytes(&epson, Line::new("x").inverse()), &outside["inverse"]));
    assert!(contains(&bytes(&epson, Line::new("x").centered()), &outside["center"]));
    assert!(contains(&bytes(&epson, Line::new("x").small()), &outside["font_b"]));
    let mut underlined = Line::new("x");
    underlined.left[0].style.underline = true;
    assert!(contains(&bytes(&epson, underlined), &outside["underline"]));
    let large = bytes(&epson, Line::new("x").sized(Size::new(2, 3)));
    assert_eq!(large[..3], outside["size_2_3"][..3]);
}

#[test]
fn picture_commands_are_those_of_python_escpos() {
    let outside = outside();
    let image = Block::Image { image: picture(), align: Align::Start };
    assert_eq!(bytes(&Profile::plain_80(), image.clone()), outside["raster"]);
    assert_eq!(bytes(&Profile::tm_t88v(), image), outside["graphics"]);
}

#[test]
fn text_reads_as_that_of_python_escpos_with_no_more_page_switches() {
    let outside = outside();
    let epson = Profile::tm_t88v();
    for (number, text) in
        ["Gruss", "Grüße 12,50 €", "Žluť", "Привет", "€ Grüße Žluť Привет"].into_iter().enumerate()
    {
        let theirs = &outside[&format!("text{number}")];
        let ours = bytes(&epson, Line::new(text));
        assert_eq!(read_text(&epson, theirs), text);
        assert_eq!(read_text(&epson, &ours), format!("{text}\n"));
        assert!(page_switches(&ours) <= page_switches(theirs), "{text}");
    }
}

#[test]
fn the_eight_test_characters_print_on_every_profile() {
    for profile in [Profile::tm_t88v(), Profile::nt_5890k(), Profile::plain_80()] {
        for text in ["€", "Ä", "ß", "č", "ł", "Ж"] {
            assert_eq!(read_text(&profile, &bytes(&profile, Line::new(text))), format!("{text}\n"));
        }
        for text in ["中", "ع"] {
            let job = encoded(&profile, Line::new(text));
            assert_eq!(job.warnings, []);
            assert!(job.bytes.len() > 8 + 30, "{text} is a picture");
            assert!(!job.bytes.contains(&b'?'));
        }
    }
    let epson = Profile::tm_t88v();
    assert_eq!(bytes(&epson, Line::new("€ Ä ß")), b"\x1Bt\x13\xD5 \x8E \xE1\n");
    assert_eq!(bytes(&epson, Line::new("č ł")), b"\x1Bt\x12\x9F \x88\n");
    assert_eq!(bytes(&epson, Line::new("Ж")), b"\x1Bt\x11\x86\n");
}

#[test]
fn one_foreign_character_makes_its_whole_line_a_picture_and_only_that_line() {
    let mut document = PrintDocument::new();
    document.push(Line::columns("Tea", "2.50")).push(Line::columns("茶", "2.50")).push(Line::new("Total"));
    let job = encode(&document, &Profile::plain_80(), Some(&mut shaper())).unwrap();
    assert!(contains(&job.bytes, b"Tea"));
    assert!(contains(&job.bytes, b"Total"));
    assert_eq!(job.bytes.windows(4).filter(|w| *w == b"2.50").count(), 1);
    assert_eq!(job.dots_high, 90);
}

#[test]
fn without_fonts_foreign_characters_become_question_marks_and_a_warning() {
    let mut document = PrintDocument::new();
    document.push(Line::new("Tea 茶"));
    let job = encode(&document, &Profile::tm_t88v(), None).unwrap();
    assert!(contains(&job.bytes, b"Tea ?\n"));
    assert_eq!(job.warnings, [PrintWarning::MissingGlyphs { count: 1 }]);
}

#[test]
fn a_qr_code_is_a_picture_where_the_printer_has_none_and_where_its_bytes_are_dangerous() {
    let clone = bytes(&Profile::nt_5890k(), qr("KIOSK", 6, QrCorrection::Medium));
    assert!(!contains(&clone, &[0x1D, 0x28, 0x6B]));
    assert!(
        contains(&clone, &[0x1D, 0x76, 0x30, 0x00, 16, 0, 126, 0]),
        "21 modules of 6 dots, 16 bytes wide"
    );
    let dangerous = bytes(&Profile::tm_t88v(), qr("status \u{10}\u{4}\u{1}", 6, QrCorrection::Medium));
    assert!(!contains(&dangerous, &[0x1D, 0x28, 0x6B]));
}

#[test]
fn a_qr_code_of_other_than_plain_letters_is_a_picture_that_announces_utf_8() {
    let text = "Zürich-042 12,89 €";
    let native = bytes(&Profile::tm_t88v(), qr(text, 6, QrCorrection::Medium));
    assert!(!contains(&native, &[0x1D, 0x28, 0x6B]), "no command says what the bytes mean");
    let symbol = symbols::qr(&qr(text, 6, QrCorrection::Medium), 512).unwrap();
    assert_eq!(read_by_zbar(&symbol.modules), text);
}

/// What zbar (Debian's `zbar-tools`) reads in a code with modules of four dots.
fn read_by_zbar(modules: &BitImage) -> String {
    const DOTS: usize = 4;
    const QUIET: usize = 4;
    let side = (modules.width() + 2 * QUIET) * DOTS;
    let mut page = vec![255; side * side];
    for (at, dot) in page.iter_mut().enumerate() {
        let (x, y) = (at % side / DOTS, at / side / DOTS);
        let inside = |place: usize| (QUIET..QUIET + modules.width()).contains(&place);
        if inside(x) && inside(y) && modules.get(x - QUIET, y - QUIET) {
            *dot = 0;
        }
    }
    let path = std::env::temp_dir().join(format!("kiosk-hal-qr-{}.pgm", std::process::id()));
    std::fs::write(&path, [format!("P5 {side} {side} 255\n").into_bytes(), page].concat()).unwrap();
    let output = std::process::Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&path).output();
    std::fs::remove_file(&path).unwrap();
    let output = output.expect("zbarimg is installed: apt install zbar-tools");
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[test]
fn codes_that_fit_no_paper_are_left_out_or_printed_as_text_with_a_warning() {
    let huge = encoded(&Profile::nt_5890k(), qr(&"x".repeat(1_500), 6, QrCorrection::High));
    assert_eq!(huge.warnings, [PrintWarning::Qr(SymbolError::TooLarge)]);
    let wrong = encoded(&Profile::tm_t88v(), bar(BarCodeKind::Ean13, "4006381333932"));
    assert_eq!(wrong.warnings, [PrintWarning::BarCode(SymbolError::CheckDigit)]);
    assert!(contains(&wrong.bytes, b"4006381333932\n"));
    let wide = encoded(&Profile::nt_5890k(), bar(BarCodeKind::Code128, &"W".repeat(60)));
    assert_eq!(wide.warnings, [PrintWarning::BarCode(SymbolError::TooLarge)]);
}

#[test]
fn tall_pictures_are_sent_in_bands_of_at_most_256_rows() {
    let mut image = BitImage::new(576, 600);
    image.set(575, 599, true);
    let raster = bytes(&Profile::plain_80(), Block::Image { image: image.clone(), align: Align::Start });
    let band = |rows: u16| [&[0x1D, 0x76, 0x30, 0, 72, 0][..], &rows.to_le_bytes()].concat();
    assert_eq!(raster.len(), 3 * 8 + 600 * 72);
    assert!(raster.starts_with(&band(256)));
    assert_eq!(raster[8 + 256 * 72..][..8], band(256));
    assert_eq!(raster[2 * (8 + 256 * 72)..][..8], band(88));
    assert_eq!(encoded(&Profile::plain_80(), Block::Image { image, align: Align::Start }).dots_high, 600);
}

#[test]
fn cutting_feeds_where_there_is_no_knife() {
    assert_eq!(bytes(&Profile::tm_t88v(), Cut::Partial), [0x1D, 0x56, 0x42, 0x00]);
    assert_eq!(bytes(&Profile::nt_5890k(), Cut::Full), [0x1B, 0x4A, 120]);
    let full = Profile { cutter: Cutter::Full, feed_to_knife_dots: 300, ..Profile::tm_t88v() };
    assert_eq!(bytes(&full, Cut::Full), [0x1B, 0x4A, 255, 0x1B, 0x4A, 45, 0x1D, 0x56, 0x00]);
}

#[test]
fn the_drawer_pulse_is_100_ms_with_five_times_that_in_rest() {
    let pulse = bytes(&Profile::tm_t88v(), Block::DrawerPulse(crate::printer::DrawerPin::Five));
    assert_eq!(pulse, [0x1B, 0x70, 0x01, 0x32, 0xFA]);
}

#[test]
fn a_document_without_end_is_refused() {
    let document = PrintDocument { blocks: vec![Block::Rule(Rule::Single); DOCUMENT_BLOCKS_MAX + 1] };
    assert_eq!(encode(&document, &Profile::tm_t88v(), None), Err(EncodeError::TooLong));
}

fn any_block() -> impl Strategy<Value = Block> {
    let text = prop_oneof![".{0,40}", "[\\x00-\\x20中茶عЖ€a-z]{0,40}"];
    let dots =
        proptest::collection::vec(prop_oneof![Just(0x10_u8), Just(4), Just(0x14), any::<u8>()], 0..400);
    let line =
        (text.clone(), text, 0_u8..10, 0_u8..10, any::<[bool; 4]>()).prop_map(|(left, right, w, h, on)| {
            let mut line = Line { right: vec![Span::from(right)], ..Line::new(left) }.sized(Size::new(w, h));
            line.left[0].style = Style { bold: on[0], underline: on[1], inverse: on[2] };
            if on[3] {
                line = line.small().centered();
            }
            Block::Line(line)
        });
    let picture = (1_usize..200, dots, any::<bool>()).prop_map(|(stride, dots, end)| {
        let mut image = BitImage::new(stride * 8, dots.len().div_ceil(stride));
        for (at, byte) in dots.iter().enumerate() {
            for bit in 0..8 {
                image.set((at % stride) * 8 + bit, at / stride, byte & (0x80 >> bit) != 0);
            }
        }
        Block::Image { image, align: if end { Align::End } else { Align::Start } }
    });
    let qr =
        (proptest::collection::vec(prop_oneof![Just(0x10_u8), Just(4), any::<u8>()], 0..60), any::<u8>());
    let qr = qr.prop_map(|(data, module_dots)| {
        Block::Qr(QrCode { data, module_dots, correction: QrCorrection::Low, align: Align::Center })
    });
    let kinds = [
        BarCodeKind::UpcA,
        BarCodeKind::Ean13,
        BarCodeKind::Ean8,
        BarCodeKind::Code39,
        BarCodeKind::Itf,
        BarCodeKind::Code128,
    ];
    let bars = (proptest::sample::select(kinds.to_vec()), "[0-9]{0,14}|.{0,20}");
    let bars = bars.prop_map(|(kind, data)| Block::BarCode(bar(kind, &data)));
    let feed = any::<u8>().prop_map(|lines| Block::Feed { lines });
    prop_oneof![line, picture, qr, bars, feed, Just(Block::Cut(Cut::Full)), Just(Block::Rule(Rule::Double))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_document_makes_bytes_that_pass_for_a_real_time_command(
        blocks in proptest::collection::vec(any_block(), 0..8), model in 0_usize..3) {
        let profile = [Profile::tm_t88v(), Profile::nt_5890k(), Profile::plain_80()][model].clone();
        let job = encode(&PrintDocument { blocks }, &profile, Some(&mut shaper())).unwrap();
        prop_assert!(!raster::holds_real_time_pair(&job.bytes));
    }
}
