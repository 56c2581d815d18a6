//! Every page as a PNG, without a display.
//!
//! `screenshots --out DIR [--lang de] [--only NAME] [--landscape] [--contrast] [--left-handed] [--pictures DIR]`

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::{PhysicalSize, Rgb8Pixel};
use ui::backend::{Clock, ManualClock, ManualPlatform};
use ui::shell::Screen;
use ui::{MainScreen, PictureStore, fixtures};

/// Longer than any movement on a page.
const SETTLED: Duration = Duration::from_secs(2);

struct Args {
    out: PathBuf,
    lang: String,
    only: Option<String>,
    pictures: PathBuf,
    landscape: bool,
    contrast: bool,
    left_handed: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = parse()?;
    std::fs::create_dir_all(&args.out)?;
    let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
    let clock = Arc::new(ManualClock::default());
    slint::platform::set_platform(Box::new(ManualPlatform {
        window: Rc::clone(&window),
        clock: Arc::clone(&clock),
    }))?;
    let size = if args.landscape { PhysicalSize::new(1920, 1080) } else { PhysicalSize::new(1080, 1920) };

    let pictures = PictureStore::new(Some(args.pictures.clone()));
    let shared_clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let screen = MainScreen::new(|_| {}, &pictures, shared_clock)?;
    window.set_size(size);
    screen.window().show()?;
    for mut fixture in fixtures::all(&args.lang) {
        if args.only.as_ref().is_some_and(|only| only != fixture.name) {
            continue;
        }
        fixture.view.preferences.high_contrast = args.contrast;
        fixture.view.preferences.left_handed = args.left_handed;
        screen.apply(&fixture.view);
        // Movements begin with the first frame that shows them.
        draw(&window, size);
        clock.advance(SETTLED);
        // The countdowns of the View are meant for the moment it was made.
        screen.apply(&fixture.view);
        let picture = draw(&window, size);
        save(&args.out.join(format!("{}.png", fixture.name)), size, &picture)?;
    }
    Ok(())
}

fn draw(window: &MinimalSoftwareWindow, size: PhysicalSize) -> Vec<Rgb8Pixel> {
    slint::platform::update_timers_and_animations();
    let mut pixels = vec![Rgb8Pixel::default(); size.width as usize * size.height as usize];
    window.request_redraw();
    window.draw_if_needed(|renderer| {
        renderer.render(&mut pixels, size.width as usize);
    });
    pixels
}

fn save(path: &Path, size: PhysicalSize, pixels: &[Rgb8Pixel]) -> Result<(), Box<dyn Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fast);
    let bytes: Vec<u8> = pixels.iter().flat_map(|pixel| [pixel.r, pixel.g, pixel.b]).collect();
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(())
}

fn parse() -> Result<Args, String> {
    let default_pictures = PathBuf::from("catalog/alder-and-rye/pictures");
    let mut args = Args {
        out: PathBuf::new(),
        lang: "en".to_owned(),
        only: None,
        pictures: default_pictures,
        landscape: false,
        contrast: false,
        left_handed: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--out" => args.out = value()?.into(),
            "--lang" => args.lang = value()?,
            "--only" => args.only = Some(value()?),
            "--pictures" => args.pictures = value()?.into(),
            "--landscape" => args.landscape = true,
            "--contrast" => args.contrast = true,
            "--left-handed" => args.left_handed = true,
            other => return Err(format!("{other} is not an option; see the head of this file")),
        }
    }
    if args.out.as_os_str().is_empty() { Err("--out DIR is missing".to_owned()) } else { Ok(args) }
}
