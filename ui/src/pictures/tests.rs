use super::*;

const PLATE: Rgba = [0xE7, 0xC6, 0x92, 0xFF];

fn opaque_rows(raster: &Raster) -> Vec<bool> {
    let width = raster.width() as usize;
    raster.as_slice().chunks(width).map(|row| row.iter().any(|pixel| pixel.a > 128)).collect()
}

#[test]
fn a_dish_keeps_its_shape_and_fills_its_box_in_one_direction() {
    let store = PictureStore::new(None);
    let terminal = store.dish("terminal", 200, 600, [0; 4]);
    assert_eq!((terminal.width(), terminal.height()), (200, 300));
    let terminal = store.dish("terminal", 600, 300, [0; 4]);
    assert_eq!((terminal.width(), terminal.height()), (200, 300));
}

#[test]
fn a_plate_is_as_wide_as_the_box_and_reaches_below_the_dish() {
    let store = PictureStore::new(None);
    let bare = store.dish("bag", 232, 190, [0; 4]);
    let plated = store.dish("bag", 232, 190, PLATE);
    assert_eq!(plated.width(), 232);
    assert!(plated.height() > bare.height());
    let last_row = opaque_rows(&plated).iter().rposition(|opaque| *opaque);
    assert!(last_row >= Some(bare.height() as usize), "the ellipse shows below the dish");
}

#[test]
fn icons_are_masks_of_the_size_asked_for() {
    let store = PictureStore::new(None);
    let icon = store.icon("plus", 34);
    assert_eq!((icon.width(), icon.height()), (34, 34));
    assert!(icon.as_slice().iter().any(|pixel| pixel.a == 255));
    assert_eq!(icon.as_slice()[0].a, 0);
}

#[test]
fn what_does_not_exist_is_an_empty_raster() {
    let store = PictureStore::new(None);
    for name in ["", "no-such-dish", "../../etc/passwd"] {
        assert_eq!(store.dish(name, 100, 100, [0; 4]).width(), 0, "{name}");
    }
    assert_eq!(store.dish("bag", 0, 100, [0; 4]).width(), 0);
    assert_eq!(store.dish("bag", 100_000, 100_000, [0; 4]).width(), 0);
}

#[test]
fn the_shops_pictures_come_first_and_garbage_becomes_an_empty_tile() {
    let folder = tempfile::tempdir().unwrap();
    let red = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#f00"/></svg>"##;
    std::fs::write(folder.path().join("bag.svg"), red).unwrap();
    std::fs::write(folder.path().join("broken.svg"), "not a drawing").unwrap();
    let store = PictureStore::new(Some(folder.path().to_owned()));
    let bag = store.dish("bag", 20, 20, [0; 4]);
    assert_eq!((bag.width(), bag.as_slice()[0].r, bag.as_slice()[0].g), (20, 255, 0));
    assert_eq!(store.dish("broken", 20, 20, [0; 4]).width(), 0);
    store.set_folder(None);
    assert_ne!(store.dish("bag", 20, 20, [0; 4]).as_slice()[0].r, 255, "a new catalog forgets old pictures");
}

#[test]
fn a_photo_is_shrunk_without_skipping_pixels() {
    // A fine checkerboard turns into an even grey; skipping pixels would leave it black or white.
    let mut photo = resvg::tiny_skia::Pixmap::new(512, 512).unwrap();
    for (at, pixel) in photo.pixels_mut().iter_mut().enumerate() {
        let value = if (at % 512 + at / 512) % 2 == 0 { 0 } else { 255 };
        *pixel = resvg::tiny_skia::PremultipliedColorU8::from_rgba(value, value, value, 255).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    photo.save_png(folder.path().join("photo.png")).unwrap();
    let store = PictureStore::new(Some(folder.path().to_owned()));
    let small = store.dish("photo", 50, 50, [0; 4]);
    assert_eq!((small.width(), small.height()), (50, 50));
    let middle = small.as_slice()[25 * 50 + 25];
    assert!((100..=155).contains(&middle.r), "{middle:?}");
}

#[test]
fn a_qr_code_has_whole_modules_and_fits_its_box() {
    // A fault, a payment for the staff, the longest receipt: modules a side of versions 1, 8 and 18.
    for (letters, size, modules) in [(14, 262, 21), (125, 300, 49), (560, 190, 89)] {
        let code = PictureStore::new(None).qr(&"k".repeat(letters), size, [0x20, 0x1A, 0x14, 0xFF]);
        let (side, pixels) = (code.width() as usize, code.as_slice());
        assert_eq!(code.height() as usize, side);
        // The finder pattern begins at the corner with a line of seven dark modules.
        let module = pixels.iter().take_while(|pixel| pixel.a == 255).count() / 7;
        assert!(module >= 1 && side == module * modules, "{side} pixels for {letters} letters");
        let free = size as usize - side;
        assert!(free >= 8 * module, "{free} pixels are too few for the quiet zone of {letters} letters");
        assert!(free < 8 * module + modules + 8, "larger modules would have fitted for {letters} letters");
        for (at, pixel) in pixels.iter().enumerate() {
            let corner = at / side / module * module * side + at % side / module * module;
            assert!(pixel.a == pixels[corner].a && (pixel.a == 0 || pixel.a == 255), "a broken module");
        }
    }
}

/// What zbar (Debian's `zbar-tools`) reads in a code shown on a white page.
fn read_by_zbar(code: &Raster) -> String {
    const QUIET: usize = 30;
    let (width, height) = (code.width() as usize, code.height() as usize);
    let mut page = vec![255; (width + 2 * QUIET) * (height + 2 * QUIET)];
    for (at, pixel) in code.as_slice().iter().enumerate() {
        page[(at / width + QUIET) * (width + 2 * QUIET) + at % width + QUIET] = 255 - pixel.a;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code.pgm");
    let head = format!("P5 {} {} 255\n", width + 2 * QUIET, height + 2 * QUIET).into_bytes();
    std::fs::write(&path, [head, page].concat()).unwrap();
    let output = std::process::Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&path).output();
    let output = output.expect("zbarimg is installed: apt install zbar-tools");
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

#[test]
fn a_reader_from_outside_reads_every_language_in_a_qr_code() {
    let store = PictureStore::new(None);
    let longest = format!("{}€", "ü".repeat(277) + "x");
    assert_eq!(longest.len(), 558);
    for text in [
        "KIOSK K3-042",
        "Total €12.89",
        "Alder & Rye\nK3-042\n2 × Größe „Doppelt“ 22,60 €\nMwSt. 7 % 0,84 €",
        "Crêpe à l’œuf 4,20 €",
        "الإجمالي \u{200e}22.60 €\u{200e}",
        &longest,
    ] {
        let code = store.qr(text, 400, [0, 0, 0, 255]);
        assert_eq!(read_by_zbar(&code), text);
    }
    assert!(store.qr(&longest, 97, [0, 0, 0, 255]).width() == 89, "the longest receipt is of version 18");
}

#[test]
fn a_qr_code_that_would_need_parts_of_pixels_is_not_drawn() {
    assert_eq!(PictureStore::new(None).qr(&"k".repeat(560), 90, [0, 0, 0, 255]).width(), 0);
}

#[test]
fn the_cache_gives_the_same_pixels_again() {
    let store = PictureStore::new(None);
    store.warm(&[DishRequest { name: "cup".into(), width: 100, height: 100, plate: [0; 4] }]);
    let first = store.dish("cup", 100, 100, [0; 4]);
    let second = store.clone().dish("cup", 100, 100, [0; 4]);
    assert_eq!(first.as_slice().as_ptr(), second.as_slice().as_ptr());
}
