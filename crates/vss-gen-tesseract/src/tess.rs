//! Tesseract's C interface, as far as it is needed.
//!
//! Its own safe wrapper hides the handle and has neither an iterator over words nor a way to stop,
//! so this one stands beside it.
#![expect(unsafe_code, reason = "calls a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use tesseract::plumbing::tesseract_sys as sys;
use vss_raster::Gray;
use vss_raster::failure::{Outcome, cancelled, corrupt, too_large};

/// The longest side that it takes, in pixels (its coordinates are 16-bit).
pub(crate) const LONGEST_SIDE: u32 = 32_767;

const BLOCK: sys::TessPageIteratorLevel = sys::TessPageIteratorLevel_RIL_BLOCK;
const PARAGRAPH: sys::TessPageIteratorLevel = sys::TessPageIteratorLevel_RIL_PARA;
const LINE: sys::TessPageIteratorLevel = sys::TessPageIteratorLevel_RIL_TEXTLINE;
const WORD: sys::TessPageIteratorLevel = sys::TessPageIteratorLevel_RIL_WORD;

/// Tesseract with some languages loaded.
#[derive(Debug)]
pub(crate) struct Tess(NonNull<sys::TessBaseAPI>);

// SAFETY: the library keeps what belongs to a handle in the handle, and nothing that belongs to a
// thread; `&mut self` sees to one call at a time.
unsafe impl Send for Tess {}

/// One word as it was seen, in pixels of the picture that was given.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Seen {
    /// Its characters, trimmed, at least one.
    pub(crate) text: String,
    /// 0 to 100.
    pub(crate) confidence: f32,
    pub(crate) language: String,
    /// Degrees by which its block has to be turned clockwise.
    pub(crate) rotation: u16,
    pub(crate) area: Edges,
    pub(crate) line: Edges,
    pub(crate) block: Edges,
    /// Whether something begins with it.
    pub(crate) begins: Begins,
}

/// What begins with a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Begins {
    pub(crate) block: bool,
    pub(crate) paragraph: bool,
    pub(crate) line: bool,
}

/// Left, top, right and bottom; the last two lie outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Edges {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) right: i32,
    pub(crate) bottom: i32,
}

/// The version of the library.
pub(crate) fn version() -> String {
    // SAFETY: a constant of the library, with a zero at its end.
    let version = unsafe { CStr::from_ptr(sys::TessVersion()) };
    version.to_string_lossy().into_owned()
}

impl Tess {
    /// Loads languages, joined with `+`, from a folder, or from where the library looks by itself.
    /// It leaves out what is not there; `None` when nothing is.
    pub(crate) fn load(tessdata: Option<&CStr>, languages: &str) -> Option<Self> {
        let languages = CString::new(languages).ok()?;
        // SAFETY: takes nothing; the answer is ours.
        let tess = Self(NonNull::new(unsafe { sys::TessBaseAPICreate() })?);
        let folder = tessdata.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: both texts outlive the call and end with a zero; the first may be null.
        let code = unsafe { sys::TessBaseAPIInit3(tess.0.as_ptr(), folder, languages.as_ptr()) };
        if code != 0 {
            return None;
        }
        // SAFETY: the handle is initialised.
        unsafe {
            sys::TessBaseAPISetPageSegMode(tess.0.as_ptr(), sys::TessPageSegMode_PSM_AUTO_OSD);
        }
        Some(tess)
    }

    /// The languages in the folder that it was loaded from.
    pub(crate) fn installed(&self) -> Vec<String> {
        // SAFETY: the handle is initialised; the answer is ours to free.
        let list = unsafe { sys::TessBaseAPIGetAvailableLanguagesAsVector(self.0.as_ptr()) };
        let mut names = Vec::new();
        if list.is_null() {
            return names;
        }
        // SAFETY: an array of texts that ends with a null.
        let mut all = (0..).map(|index| unsafe { *list.add(index) });
        while let Some(name) = all.next().filter(|name| !name.is_null()) {
            // SAFETY: it ends with a zero and lives until the array is freed.
            let name = unsafe { CStr::from_ptr(name) };
            names.push(name.to_string_lossy().into_owned());
        }
        // SAFETY: not used any more.
        unsafe { sys::TessDeleteTextArray(list) };
        names
    }

    /// Recognises a page in whatever direction it lies. `go_on` is asked at every word.
    ///
    /// # Errors
    /// `timeout` when it was told to stop, `too_large` for a page with too long a side,
    /// `corrupt_source` for one that cannot be taken apart.
    pub(crate) fn recognise(
        &mut self,
        page: Gray<'_>,
        dpi: Option<u32>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Outcome<Vec<Seen>> {
        self.set_picture(page, dpi)?;
        let mut watch = Watch {
            go_on,
            stopped: false,
        };
        // SAFETY: takes nothing; the answer is ours to free.
        let monitor = unsafe { sys::TessMonitorCreate() };
        // SAFETY: the watch outlives the recognition below, and nobody else touches it until then.
        let code = unsafe {
            sys::TessMonitorSetCancelFunc(monitor, Some(is_to_stop));
            sys::TessMonitorSetCancelThis(monitor, (&raw mut watch).cast());
            let code = sys::TessBaseAPIRecognize(self.0.as_ptr(), monitor);
            sys::TessMonitorDelete(monitor);
            code
        };
        let answer = match code {
            _ if watch.stopped => Err(cancelled()),
            0 => Ok(self.words()),
            _ => Err(corrupt("the page cannot be taken apart")),
        };
        // SAFETY: nothing of the page is used any more; the languages stay.
        unsafe { sys::TessBaseAPIClear(self.0.as_ptr()) };
        answer
    }

    fn set_picture(&mut self, page: Gray<'_>, dpi: Option<u32>) -> Outcome<()> {
        if page.width.max(page.height) > LONGEST_SIDE {
            return Err(too_large(format!(
                "a page of {} x {} pixels: a side may have {LONGEST_SIDE}",
                page.width, page.height
            )));
        }
        let width = c_int::try_from(page.width).map_err(too_large)?;
        let height = c_int::try_from(page.height).map_err(too_large)?;
        let length = width.checked_mul(height).map(usize::try_from);
        if length != Some(Ok(page.pixels.len())) || page.pixels.is_empty() {
            return Err(corrupt("a page of another size than it says"));
        }
        let dpi = dpi.and_then(|dpi| c_int::try_from(dpi).ok()).unwrap_or(0);
        // SAFETY: the library copies the pixels, of which there are height times width, as was
        // just seen, one byte each.
        unsafe {
            sys::TessBaseAPISetImage(
                self.0.as_ptr(),
                page.pixels.as_ptr(),
                width,
                height,
                1,
                width,
            );
            sys::TessBaseAPISetSourceResolution(self.0.as_ptr(), dpi);
        }
        Ok(())
    }

    /// What was recognised last.
    fn words(&mut self) -> Vec<Seen> {
        // SAFETY: the answer is ours to free; it lives until the page is cleared.
        let words = unsafe { sys::TessBaseAPIGetIterator(self.0.as_ptr()) };
        let Some(words) = NonNull::new(words) else {
            return Vec::new();
        };
        let mut words = Words(words);
        let mut seen = Vec::new();
        let mut begins = Begins::default();
        while words.is_at_a_word() {
            begins = begins.or(words.begins());
            if let Some(word) = words.read(begins) {
                seen.push(word);
                begins = Begins::default();
            }
            if !words.next() {
                break;
            }
        }
        seen
    }
}

impl Drop for Tess {
    fn drop(&mut self) {
        // SAFETY: ours, and not used any more.
        unsafe { sys::TessBaseAPIDelete(self.0.as_ptr()) };
    }
}

impl Begins {
    const fn or(self, other: Self) -> Self {
        Self {
            block: self.block || other.block,
            paragraph: self.paragraph || other.paragraph,
            line: self.line || other.line,
        }
    }
}

/// Who is asked whether to go on, from inside of the library.
struct Watch<'a> {
    go_on: &'a mut dyn FnMut() -> bool,
    stopped: bool,
}

unsafe extern "C" fn is_to_stop(watch: *mut c_void, _words: c_int) -> bool {
    // SAFETY: `recognise` set it to its watch, which lives as long as the recognition.
    let watch = unsafe { &mut *watch.cast::<Watch<'_>>() };
    watch.stopped = watch.stopped || !(watch.go_on)();
    watch.stopped
}

/// An iterator of the library.
struct Words(NonNull<sys::TessResultIterator>);

impl Words {
    fn pages(&self) -> *mut sys::TessPageIterator {
        // SAFETY: the same object by the name of its base.
        unsafe { sys::TessResultIteratorGetPageIterator(self.0.as_ptr()) }
    }

    fn is_at_a_word(&self) -> bool {
        self.edges(WORD).is_some()
    }

    fn next(&mut self) -> bool {
        // SAFETY: the iterator is alive.
        unsafe { sys::TessResultIteratorNext(self.0.as_ptr(), WORD) != 0 }
    }

    fn begins(&self) -> Begins {
        // SAFETY: the iterator is alive and at a word.
        let at = |level| unsafe { sys::TessPageIteratorIsAtBeginningOf(self.pages(), level) != 0 };
        Begins {
            block: at(BLOCK),
            paragraph: at(PARAGRAPH),
            line: at(LINE),
        }
    }

    fn edges(&self, level: sys::TessPageIteratorLevel) -> Option<Edges> {
        let mut edges = Edges::default();
        // SAFETY: the iterator is alive, the numbers are locals. At its end it answers 0.
        let found = unsafe {
            sys::TessPageIteratorBoundingBox(
                self.pages(),
                level,
                &raw mut edges.left,
                &raw mut edges.top,
                &raw mut edges.right,
                &raw mut edges.bottom,
            )
        };
        (found != 0).then_some(edges)
    }

    /// The word that it is at; `None` for one without characters.
    fn read(&self, begins: Begins) -> Option<Seen> {
        // SAFETY: the iterator is alive and at a word; the answer is ours to free.
        let text = unsafe { sys::TessResultIteratorGetUTF8Text(self.0.as_ptr(), WORD) };
        let text = take_text(text)?;
        let text: String = text.split_whitespace().collect();
        if text.is_empty() {
            return None;
        }
        // SAFETY: the iterator is alive and at a word.
        let confidence = unsafe { sys::TessResultIteratorConfidence(self.0.as_ptr(), WORD) };
        // SAFETY: as above; the text belongs to the library and is copied at once.
        let language = unsafe { sys::TessResultIteratorWordRecognitionLanguage(self.0.as_ptr()) };
        let language = match language.is_null() {
            true => String::new(),
            // SAFETY: it ends with a zero.
            false => unsafe { CStr::from_ptr(language) }
                .to_string_lossy()
                .into_owned(),
        };
        Some(Seen {
            text,
            confidence,
            language,
            rotation: self.rotation(),
            area: self.edges(WORD)?,
            line: self.edges(LINE)?,
            block: self.edges(BLOCK)?,
            begins,
        })
    }

    fn rotation(&self) -> u16 {
        let (mut orientation, mut direction, mut order) = (0, 0, 0);
        let mut skew = 0.0;
        // SAFETY: the iterator is alive and at a word, the numbers are locals.
        unsafe {
            sys::TessPageIteratorOrientation(
                self.pages(),
                &raw mut orientation,
                &raw mut direction,
                &raw mut order,
                &raw mut skew,
            );
        }
        // It says where the top of the letters is.
        match orientation {
            sys::TessOrientation_ORIENTATION_PAGE_RIGHT => 270,
            sys::TessOrientation_ORIENTATION_PAGE_DOWN => 180,
            sys::TessOrientation_ORIENTATION_PAGE_LEFT => 90,
            _ => 0,
        }
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        // SAFETY: ours, and not used any more.
        unsafe { sys::TessResultIteratorDelete(self.0.as_ptr()) };
    }
}

/// Copies a text of the library and frees it.
fn take_text(text: *mut c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: it ends with a zero.
    let copy = unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: the library gave it to us to free with this call.
    unsafe { sys::TessDeleteText(text) };
    Some(copy)
}
