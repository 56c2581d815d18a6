//! libpocketsphinx through fifteen of its functions: the only unsafe code of speech. Debian has 0.8+5prealpha, others
//! (the Yocto layer) 5.1; what differs is how settings are made, two names, and what is built into which library
//! (`build.rs`).
//!
//! What keeps it sound: a decoder is owned by one value and used through `&mut` only; nothing else of the library runs
//! while a decoder is made, changed or freed (`SETTING_UP`), and its log, one for the whole process, is off; strings are
//! copied before the next call; a grammar is always set together with its search (setting the string of the
//! active search alone crashes at the next utterance); `bestpath` is off (with it a single utterance took up to
//! 25 s); nothing writes audio or words to a file.
#![expect(unsafe_code, reason = "the C library; audited here, in one file")]

use std::ffi::{CStr, CString, NulError, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Once, PoisonError, RwLock};

/// The models of Debian's `pocketsphinx-en-us`.
#[derive(Clone, Debug)]
pub struct Models {
    /// Folder with `en-us/` and `en-us-phone.lm.bin`.
    pub dir: PathBuf,
}

impl Default for Models {
    fn default() -> Self {
        Self { dir: PathBuf::from("/usr/share/pocketsphinx/model/en-us") }
    }
}

/// Why something cannot be recognised.
#[derive(Debug, thiserror::Error)]
pub enum SphinxError {
    /// A part of the model is missing.
    #[error("the speech model {0} is missing: it is in Debian's pocketsphinx-en-us")]
    Model(PathBuf),
    /// The library refused its settings.
    #[error("PocketSphinx does not start with the model in {0}")]
    Start(PathBuf),
    /// The grammar is not one, or has a word without a pronunciation.
    #[error("PocketSphinx cannot read the grammar, or a word of it has no pronunciation")]
    Grammar,
    /// A word's sounds are unknown to the model.
    #[error("PocketSphinx knows no such sounds")]
    Word,
    /// A text with a zero byte.
    #[error("a text with a zero byte cannot be given to PocketSphinx")]
    Text(#[from] NulError),
    /// An utterance could not be processed.
    #[error("PocketSphinx could not process the sound")]
    Sound,
}

/// What a decoder made of an utterance. It cannot be printed.
pub(crate) struct Hypothesis {
    /// The words, or the phones; `None`: nothing fits.
    pub(crate) text: Option<String>,
    /// Log likelihood of the whole, base 1.0001.
    pub(crate) score: i32,
    /// Frames of 10 ms.
    pub(crate) frames: u32,
}

/// One decoder of the library.
pub(crate) struct Decoder {
    raw: NonNull<c_void>,
    /// What its settings point into.
    _kept: settings::Kept,
}

/// Held to make, change or free a decoder, and shared to decode. Those parts of the library use variables of the whole
/// process (its log and its reader of numbers): two threads in them at once corrupted the heap.
static SETTING_UP: RwLock<()> = RwLock::new(());

/// The library's log holds what was recognised, and setting it for each decoder closes it under the others.
static LOG_OFF: Once = Once::new();

// SAFETY: a decoder has no thread-local state; the library allows one thread at a time, which `&mut` ensures.
unsafe impl Send for Decoder {}

unsafe extern "C" {
    fn err_set_logfp(stream: *mut c_void);
    #[cfg_attr(not(pocketsphinx_5), link_name = "cmd_ln_free_r")]
    fn ps_config_free(config: *mut c_void) -> c_int;
    fn ps_init(config: *mut c_void) -> *mut c_void;
    fn ps_free(decoder: *mut c_void) -> c_int;
    fn ps_add_word(decoder: *mut c_void, word: *const c_char, phones: *const c_char, update: c_int) -> c_int;
    #[cfg_attr(not(pocketsphinx_5), link_name = "ps_set_jsgf_string")]
    fn ps_add_jsgf_string(decoder: *mut c_void, name: *const c_char, jsgf: *const c_char) -> c_int;
    #[cfg_attr(not(pocketsphinx_5), link_name = "ps_set_search")]
    fn ps_activate_search(decoder: *mut c_void, name: *const c_char) -> c_int;
    fn ps_start_utt(decoder: *mut c_void) -> c_int;
    fn ps_process_raw(
        decoder: *mut c_void,
        samples: *const i16,
        count: usize,
        no_search: c_int,
        full_utt: c_int,
    ) -> c_int;
    fn ps_end_utt(decoder: *mut c_void) -> c_int;
    fn ps_get_hyp(decoder: *mut c_void, score: *mut i32) -> *const c_char;
    fn ps_get_n_frames(decoder: *mut c_void) -> c_int;
}

/// A setting and its value.
type Setting<'a> = (&'a str, &'a str);

/// Settings that both decoders share.
const SHARED: [Setting<'_>; 3] = [("samprate", "16000"), ("remove_noise", "no"), ("bestpath", "no")];

/// Debian's takes settings as a program takes its arguments, and points into them as long as the decoder lives.
#[cfg(not(pocketsphinx_5))]
mod settings {
    use std::ffi::{CString, NulError, c_char, c_void};

    use super::Setting;

    unsafe extern "C" {
        fn ps_args() -> *const c_void;
        fn cmd_ln_parse_r(
            config: *mut c_void,
            definitions: *const c_void,
            argc: i32,
            argv: *mut *mut c_char,
            strict: i32,
        ) -> *mut c_void;
    }

    /// Removing silence is on by default in this version, and makes the two decoders look at different frames.
    const MORE: [Setting<'_>; 1] = [("remove_silence", "no")];

    pub(super) type Kept = Vec<CString>;

    /// Makes settings; null: refused. Nothing else of the library may run.
    pub(super) fn make(all: &[Setting<'_>]) -> Result<(*mut c_void, Kept), NulError> {
        let words =
            all.iter().chain(&MORE).flat_map(|(name, value)| [format!("-{name}"), (*value).to_owned()]);
        let kept: Vec<CString> = words.map(CString::new).collect::<Result<_, _>>()?;
        let mut argv: Vec<*mut c_char> = kept.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let argc = i32::try_from(argv.len()).unwrap_or(0);
        // SAFETY: the definitions are static; argv holds argc strings that live as long as the decoder, and the
        // library only reads them.
        let config = unsafe { cmd_ln_parse_r(std::ptr::null_mut(), ps_args(), argc, argv.as_mut_ptr(), 1) };
        Ok((config, kept))
    }
}

/// 5.x copies them.
#[cfg(pocketsphinx_5)]
mod settings {
    use std::ffi::{CString, NulError, c_char, c_void};

    use super::{Setting, ps_config_free};

    unsafe extern "C" {
        fn ps_config_init(definitions: *const c_void) -> *mut c_void;
        fn ps_config_set_str(config: *mut c_void, name: *const c_char, value: *const c_char)
        -> *const c_void;
    }

    pub(super) type Kept = ();

    /// Makes settings; null: refused. Nothing else of the library may run.
    pub(super) fn make(all: &[Setting<'_>]) -> Result<(*mut c_void, Kept), NulError> {
        let texts = all.iter().map(|(name, value)| Ok((CString::new(*name)?, CString::new(*value)?)));
        let texts: Vec<(CString, CString)> = texts.collect::<Result<_, NulError>>()?;
        // SAFETY: without definitions of its own it takes those of the decoder.
        let config = unsafe { ps_config_init(std::ptr::null()) };
        for (name, value) in &texts {
            // SAFETY: the settings are ours; both strings end with a zero byte and are copied. A setting of any type
            // may be given as text.
            let known = !config.is_null()
                && !unsafe { ps_config_set_str(config, name.as_ptr(), value.as_ptr()) }.is_null();
            if !known {
                // SAFETY: they were made above, and null is nothing to free.
                unsafe { ps_config_free(config) };
                return Ok((std::ptr::null_mut(), ()));
            }
        }
        Ok((config, ()))
    }
}

impl Decoder {
    /// A decoder for a grammar: it knows no words until [`Self::set_grammar`].
    pub(crate) fn of_grammar(models: &Models) -> Result<Self, SphinxError> {
        // How many other things could have been said says little about what was: the sound decides.
        Self::start(models, &[("dict", "/dev/null"), ("backtrace", "no"), ("lw", "1.0")])
    }

    /// A decoder for any sounds.
    pub(crate) fn of_phones(models: &Models) -> Result<Self, SphinxError> {
        let phones = existing(models.dir.join("en-us-phone.lm.bin"))?;
        let beams = [("lw", "2.0"), ("beam", "1e-20"), ("pbeam", "1e-20"), ("allphone_ci", "yes")];
        Self::start(models, &[&[("allphone", phones.as_str())], &beams[..]].concat())
    }

    fn start(models: &Models, settings: &[Setting<'_>]) -> Result<Self, SphinxError> {
        let acoustic = existing(models.dir.join("en-us"))?;
        let all = [&[("hmm", acoustic.as_str())], &SHARED[..], settings].concat();
        let _alone = SETTING_UP.write().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: no log is a setting of the library; nothing else of it runs.
        LOG_OFF.call_once(|| unsafe { err_set_logfp(std::ptr::null_mut()) });
        let (config, kept) = settings::make(&all)?;
        if config.is_null() {
            return Err(SphinxError::Start(models.dir.clone()));
        }
        // SAFETY: the settings are alive, and the decoder keeps its own reference to them.
        let raw = unsafe {
            let raw = ps_init(config);
            ps_config_free(config);
            raw
        };
        let raw = NonNull::new(raw).ok_or_else(|| SphinxError::Start(models.dir.clone()))?;
        Ok(Self { raw, _kept: kept })
    }

    /// Adds words (`for`, and `for(2)` for another way to say it), then takes a grammar of them.
    pub(crate) fn set_grammar(&mut self, words: &[(String, String)], jsgf: &str) -> Result<(), SphinxError> {
        let (name, jsgf) = (CString::new("menu")?, CString::new(jsgf)?);
        let _alone = SETTING_UP.write().unwrap_or_else(PoisonError::into_inner);
        for (at, (word, phones)) in words.iter().enumerate() {
            let (word, phones) = (CString::new(word.as_str())?, CString::new(phones.as_str())?);
            let is_last = c_int::from(at + 1 == words.len());
            // SAFETY: the decoder is alive and ours alone; both strings end with a zero byte and are copied.
            if unsafe { ps_add_word(self.raw.as_ptr(), word.as_ptr(), phones.as_ptr(), is_last) } < 0 {
                return Err(SphinxError::Word);
            }
        }
        // SAFETY: as above. The search is made active at once, because the string of an active search that is
        // replaced without that leaves a freed search behind.
        let is_set = unsafe {
            ps_add_jsgf_string(self.raw.as_ptr(), name.as_ptr(), jsgf.as_ptr()) == 0
                && ps_activate_search(self.raw.as_ptr(), name.as_ptr()) == 0
        };
        if is_set { Ok(()) } else { Err(SphinxError::Grammar) }
    }

    /// Decodes one utterance of 16 kHz mono. Blocks for about a tenth of its length.
    pub(crate) fn decode(&mut self, samples: &[i16]) -> Result<Hypothesis, SphinxError> {
        let raw = self.raw.as_ptr();
        let _beside_others = SETTING_UP.read().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the decoder is alive and ours alone; `samples` holds `len` values that are only read.
        let is_done = unsafe {
            ps_start_utt(raw) == 0
                && ps_process_raw(raw, samples.as_ptr(), samples.len(), 0, 1) >= 0
                && ps_end_utt(raw) == 0
        };
        if !is_done {
            return Err(SphinxError::Sound);
        }
        let mut score = 0;
        // SAFETY: the string belongs to the decoder and is copied before anything else is asked of it.
        let text = unsafe {
            let text = ps_get_hyp(raw, &raw mut score);
            (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
        };
        // SAFETY: the decoder is alive.
        let frames = unsafe { ps_get_n_frames(raw) };
        Ok(Hypothesis { text, score, frames: u32::try_from(frames).unwrap_or(0) })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _alone = SETTING_UP.write().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: it was made by `ps_init` and nothing else points to it.
        unsafe { ps_free(self.raw.as_ptr()) };
    }
}

fn existing(path: PathBuf) -> Result<String, SphinxError> {
    match path.to_str() {
        Some(text) if Path::new(text).exists() => Ok(text.to_owned()),
        _ => Err(SphinxError::Model(path)),
    }
}
