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
    let store = PictureStore::new(None);
    let code = store.qr("kioskd:K7-0193", 262, [0x20, 0x1A, 0x14, 0xFF]);
    assert!(code.width() <= 262 && code.width() > 200);
    assert_eq!(code.as_slice()[0].a, 255, "the finder pattern begins at the corner");
    let ink = code.as_slice().iter().filter(|pixel| pixel.a == 255).count();
    let module = code.width() as usize / 25;
    assert_eq!(ink % (module * module), 0);
}

#[test]
fn the_cache_gives_the_same_pixels_again() {
    let store = PictureStore::new(None);
    store.warm(&[DishRequest { name: "cup".into(), width: 100, height: 100, plate: [0; 4] }]);
    let first = store.dish("cup", 100, 100, [0; 4]);
    let second = store.clone().dish("cup", 100, 100, [0; 4]);
    assert_eq!(first.as_slice().as_ptr(), second.as_slice().as_ptr());
}
