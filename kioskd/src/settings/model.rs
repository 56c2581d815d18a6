//! The settings themselves, with their defaults.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use serde::Deserialize;
use ui::backend::TouchOptions;

use super::fragments::Fragment;

/// Everything that can be set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Who this kiosk is.
    pub kiosk: Kiosk,
    /// Whose kiosk it is; printed on receipts.
    pub shop: Shop,
    /// The screen.
    pub screen: Screen,
    /// What is for sale.
    pub catalog: Catalog,
    /// What the shop allows.
    pub policy: Policy,
    /// Receipt printer.
    pub printer: Option<Printer>,
    /// Kitchen printer.
    pub kitchen: Option<Printer>,
    /// Payment terminal.
    pub terminal: Option<Terminal>,
    /// Bar-code scanner.
    pub scanner: Option<Scanner>,
    /// Line display.
    pub display: Option<Device>,
    /// Contacts and sensors of the case.
    pub sensors: Sensors,
    /// The light at the payment terminal.
    pub light: Option<Light>,
    /// Ordering by voice.
    pub voice: Option<Voice>,
    /// Whether a cash drawer hangs on the receipt printer.
    pub drawer: bool,
    /// The fleet; none: the kiosk is on its own.
    pub uplink: Option<Uplink>,
    /// Updates; none: it is never updated by the fleet.
    pub update: Option<Update>,
    /// Local tools.
    pub admin: Admin,
    /// Logging.
    pub log: Log,
    /// The files that all this was read from.
    #[serde(skip)]
    pub(super) fragments: Vec<Fragment>,
}

/// Who this kiosk is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kiosk {
    /// Its name in the fleet.
    pub id: String,
    /// Serial number of the machine.
    pub serial: String,
    /// Prefix of the order numbers.
    pub display_prefix: String,
    /// The shop's time zone, as in the IANA database.
    pub time_zone: String,
    /// Hour at which a new business day begins.
    pub cutover_hour: u8,
    /// Language of the attract page; empty: the catalog's first.
    pub language: String,
    /// Where the store and the pictures are.
    pub data_dir: PathBuf,
}

impl Default for Kiosk {
    fn default() -> Self {
        Self {
            id: "kiosk".into(),
            serial: String::new(),
            display_prefix: "K1".into(),
            time_zone: "UTC".into(),
            cutover_hour: 4,
            language: String::new(),
            data_dir: "/var/lib/kioskd".into(),
        }
    }
}

/// Whose kiosk it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shop {
    /// The shop's mark at the top of a receipt: a PNG, dark on light, at most as wide as the printer prints.
    pub logo: Option<PathBuf>,
    /// Lines at the top of a receipt: name, address, tax number.
    pub header: Vec<String>,
    /// Lines at its end.
    pub footer: Vec<String>,
}

/// Where the pages are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// In memory: for the mirror, for tests, for machines without a display.
    #[default]
    Headless,
    /// On the display of the machine, driven without any other program between, with its touch panels.
    Kms,
    /// In a window of the desktop.
    Window,
}

/// The screen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Screen {
    /// Where the pages are shown.
    pub backend: Backend,
    /// For `kms`: the node of the display, for example `/dev/dri/card0`; none: the first that has one.
    pub node: Option<PathBuf>,
    /// For `kms`: how far the picture is turned on the panel, clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
    /// For `kms`: two lines of a matrix over shares of the touch panel's width and height, before `rotation` is undone.
    pub touch_calibration: [f32; 6],
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Millimetres of one pixel.
    pub mm_per_px: f32,
    /// Address on which a browser can see and touch the screen; none: no mirror. Loopback only.
    #[serde(deserialize_with = "mirror_address")]
    pub mirror: Option<SocketAddr>,
}

fn mirror_address<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let address = String::deserialize(from)?;
    let wrong = || {
        serde::de::Error::custom(
            "screen.mirror must be an address and port of this machine, for example \"127.0.0.1:8080\"",
        )
    };
    address.parse().map(Some).map_err(|_| wrong())
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            node: None,
            rotation: 0,
            touch_calibration: TouchOptions::default().calibration,
            width: 1080,
            height: 1920,
            mm_per_px: 0.311,
            mirror: None,
        }
    }
}

/// What is for sale.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalog {
    /// A catalog file to begin with, used as long as no other was imported.
    pub seed: Option<PathBuf>,
    /// The folder of its pictures.
    pub pictures: Option<PathBuf>,
}

/// What the shop allows.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Paying at the counter is offered.
    pub pay_at_counter: bool,
    /// The kitchen begins with an order that is to be paid at the counter.
    pub kitchen_on_unpaid: bool,
    /// Tips are asked for, if the catalog offers any.
    pub tips: bool,
    /// Receipts are printed without asking.
    pub print_without_asking: bool,
    /// Items with a least age are sold.
    pub age_restricted: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            pay_at_counter: true,
            kitchen_on_unpaid: false,
            tips: true,
            print_without_asking: false,
            age_restricted: false,
        }
    }
}

/// A printer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printer {
    /// Where it is: `serial:///dev/kiosk/printer?baud=115200` or `tcp://192.0.2.7:9100`. Required.
    #[serde(default)]
    pub endpoint: String,
    /// What it can do.
    #[serde(default = "default_printer_profile")]
    pub profile: String,
}

fn default_printer_profile() -> String {
    "tm-t88v".into()
}

/// The payment terminal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Where it is. Required.
    #[serde(default)]
    pub endpoint: String,
    /// How messages are framed.
    #[serde(default)]
    pub framing: TerminalFraming,
    /// How it deviates from the standard.
    #[serde(default = "default_terminal_profile")]
    pub profile: String,
    /// The till password of six digits.
    #[serde(default = "default_terminal_password")]
    pub password: String,
    /// Where it stands, seen from the customer.
    #[serde(default)]
    pub side: Side,
}

fn default_terminal_profile() -> String {
    "standard".into()
}

fn default_terminal_password() -> String {
    "000000".into()
}

/// How a terminal's messages are framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalFraming {
    /// By what the endpoint is: bare on TCP, DLE/STX/CRC on serial.
    #[default]
    Auto,
    /// Serial with an LRC.
    Lrc,
    /// TCP with a length before each message.
    TcpLength,
}

/// A side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Left.
    Left,
    /// Right.
    #[default]
    Right,
    /// Below.
    Below,
}

/// The scanner: serial or a keyboard wedge.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scanner {
    /// A serial scanner.
    pub endpoint: Option<String>,
    /// A keyboard wedge, by vendor and product: `05e0:1200`.
    pub hid: Option<String>,
}

/// Contacts and sensors of the case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sensors {
    /// Active while somebody stands there.
    pub presence: Option<Contact>,
    /// Active while the door of the case is open.
    pub door: Option<Contact>,
    /// Active while somebody tampers with the case.
    pub tamper: Option<Contact>,
    /// The temperature in the case.
    pub temperature: Option<Thermometer>,
}

/// A contact on a GPIO line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The chip's label and the line's name: `pinctrl-bcm2711/GPIO17`.
    pub line: String,
    /// The level at which it is active.
    #[serde(default)]
    pub active: Level,
}

/// The level of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// High.
    #[default]
    High,
    /// Low.
    Low,
}

/// A thermometer on an I2C bus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thermometer {
    /// Which.
    pub part: ThermometerPart,
    /// The bus: `/dev/i2c-1`.
    pub bus: PathBuf,
    /// Its address there, if it is not the part's first one.
    pub address: Option<u8>,
}

/// Thermometers that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThermometerPart {
    /// LM75 and what is like it.
    Lm75,
    /// TMP102.
    Tmp102,
    /// SHT30, SHT31, SHT35.
    Sht3x,
}

/// The light at the payment terminal: a lamp on a GPIO line or a strip of LEDs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Light {
    /// A lamp: the chip's label and the line's name.
    pub line: Option<String>,
    /// The level at which the lamp shines.
    pub active: Level,
    /// A strip of APA102 or SK9822 LEDs: the SPI bus, `/dev/spidev0.0`.
    pub spi: Option<PathBuf>,
    /// Its LEDs.
    pub leds: u16,
    /// Its colour: red, green, blue, each up to 255.
    pub rgb: [u8; 3],
}

impl Default for Light {
    fn default() -> Self {
        Self { line: None, active: Level::High, spi: None, leds: 0, rgb: [0, 160, 80] }
    }
}

/// Ordering by voice: a microphone and a speech program on this machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// The microphone, as ALSA calls it: `default`, `plughw:CARD=Device,DEV=0`.
    pub device: String,
    /// Which of its channels, from 1: of a microphone array the one with the processed sound.
    pub channel: u16,
    /// A WAV file instead of a microphone, for demos and tests; read anew each time the button is pressed.
    pub wav: Option<PathBuf>,
    /// The speech program: `unix:///run/kiosk-asr/asr.sock` or `tcp://127.0.0.1:10300`, Wyoming protocol.
    pub recogniser: String,
    /// The language that it understands. Visits in another language have no voice.
    pub language: String,
    /// How words are pronounced: the CMU dictionary.
    pub dictionary: PathBuf,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            device: "default".into(),
            channel: 1,
            wav: None,
            recogniser: "unix:///run/kiosk-asr/asr.sock".into(),
            language: "en".into(),
            dictionary: voice::CMUDICT.into(),
        }
    }
}

/// A device on a line of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Where it is. Required.
    #[serde(default)]
    pub endpoint: String,
    /// Which language it speaks.
    #[serde(default)]
    pub dialect: DisplayDialect,
}

/// What a line display understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DisplayDialect {
    /// CD5220.
    #[default]
    Cd5220,
    /// Epson.
    Epson,
}

/// The fleet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uplink {
    /// The fleet's HTTPS address: `https://fleet.example:8443`. Required.
    #[serde(default)]
    pub fleet: String,
    /// Certificate of the fleet's authority, PEM. Only servers that it signed are believed. Required.
    #[serde(default)]
    pub ca: PathBuf,
    /// Sell before the fleet has taken the kiosk in; otherwise the screen shows the code to claim it by, and nothing is
    /// sold until somebody has.
    #[serde(default)]
    pub sell_unclaimed: bool,
    /// Seconds between two signs of life on a silent connection. A dead one is noticed after 1.5 times this.
    #[serde(default = "default_keep_alive_s")]
    pub keep_alive_s: u16,
    /// Seconds between two reports of the kiosk's status.
    #[serde(default = "default_status_s")]
    pub status_s: u32,
    /// Seconds to wait for the fleet's answer to a batch before it is sent again.
    #[serde(default = "default_ack_s")]
    pub ack_s: u32,
    /// Most bytes of a batch: brokers that take less than ours exist.
    #[serde(default = "default_batch_bytes")]
    pub batch_bytes: u32,
}

fn default_keep_alive_s() -> u16 {
    30
}

fn default_status_s() -> u32 {
    60
}

fn default_ack_s() -> u32 {
    30
}

fn default_batch_bytes() -> u32 {
    256 * 1024
}

/// Updates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// The socket of the slot writer.
    #[serde(default = "default_slot_writer")]
    pub slot_writer: PathBuf,
    /// Public keys, of 64 hexadecimal digits, that sign which release this kiosk is to run; none: those that the fleet
    /// names when it takes the kiosk in.
    #[serde(default)]
    pub campaign_keys: Vec<String>,
    /// Seconds that a new release has to prove itself, at most 900: `kiosk-trial.timer` waits no longer than for that.
    #[serde(default = "default_prove_s")]
    pub prove_s: u32,
    /// Fetching pieces of releases from the other kiosks of the site, and handing them on; none: neither.
    pub peers: Option<Peers>,
}

/// The other kiosks of the site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Peers {
    /// Where they get pieces from this kiosk; its address says in which network they are, 0.0.0.0: the one of the default
    /// route.
    pub listen: SocketAddrV4,
    /// Where they ask each other who has what: a multicast address, the same at all kiosks of a site.
    pub group: SocketAddrV4,
    /// MB of pieces that are kept for them.
    pub keep_mb: u32,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            listen: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 47_077),
            group: SocketAddrV4::new(Ipv4Addr::new(239, 255, 47, 77), 47_078),
            keep_mb: 256,
        }
    }
}

fn default_slot_writer() -> PathBuf {
    "/run/kiosk-slot-writer.sock".into()
}

fn default_prove_s() -> u32 {
    600
}

/// Local tools.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// The socket that `kioskctl` talks to.
    pub socket: PathBuf,
}

impl Default for Admin {
    fn default() -> Self {
        Self { socket: "/run/kioskd/admin.sock".into() }
    }
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTarget {
    /// The journal if started by systemd, else standard error.
    #[default]
    Auto,
    /// The journal.
    Journald,
    /// Standard error.
    Stderr,
}

/// Logging.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Where.
    pub target: LogTarget,
    /// How much, as in `info,hal=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { target: LogTarget::default(), filter: "info".into() }
    }
}
