//! LibRaw behind the functions of `shim/shim.cpp`, as far as it is needed.
#![expect(unsafe_code, reason = "calls a C++ library")]

use std::ffi::{CStr, c_char, c_void};
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::NonNull;

use vss_raster::failure::{Outcome, cancelled, corrupt, out_of_memory, too_large, unsupported};

/// What a file claims.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub(crate) struct Sizes {
    /// Columns of the sensor, with those that are not shown.
    pub(crate) raw_width: u32,
    /// Rows of the sensor, with those that are not shown.
    pub(crate) raw_height: u32,
    /// Width of the picture, upright.
    pub(crate) width: u32,
    /// Height of the picture, upright.
    pub(crate) height: u32,
    /// Bytes that are held for each place of the sensor.
    pub(crate) bytes_a_place: u32,
    /// Whether two by two places can become a pixel: 1, or 0 where each place has all colours.
    pub(crate) shrinks: u32,
}

/// What was developed: pixels of 8 bits a colour, upright.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 (grey) or 3 (red, green, blue).
    pub(crate) colours: u32,
}

/// How a step ended.
#[repr(C)]
struct End {
    which: i32,
    text: *const c_char,
}

/// What only the shim knows.
#[repr(C)]
struct Raw {
    _bytes: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

unsafe extern "C" {
    fn vss_raw_new(go_on: unsafe extern "C" fn(*mut c_void) -> i32, told: *mut c_void) -> *mut Raw;
    fn vss_raw_drop(raw: *mut Raw);
    fn vss_raw_open(
        raw: *mut Raw,
        bytes: *const u8,
        length: usize,
        most_megabytes: u32,
        sizes: *mut Sizes,
    ) -> End;
    fn vss_raw_unpack(raw: *mut Raw, half: i32) -> End;
    fn vss_raw_develop(raw: *mut Raw, picture: *mut Picture) -> End;
    fn vss_raw_copy(raw: *mut Raw, picture: *const Picture, into: *mut u8) -> End;
    fn vss_raw_faults(raw: *const Raw) -> u32;
    fn vss_raw_version() -> *const c_char;
}

/// The version of LibRaw that is linked.
pub(crate) fn version() -> String {
    // SAFETY: takes nothing; the text is of static storage.
    text(unsafe { vss_raw_version() }).to_owned()
}

/// Whether to go on; asked now and then.
type GoOn<'g> = Box<dyn FnMut() -> bool + 'g>;

/// An object of the library. It belongs to one thread: it is neither Send nor Sync.
struct Handle<'g> {
    raw: NonNull<Raw>,
    /// Called by the library, which holds a pointer to it too; made of a box.
    go_on: NonNull<GoOn<'g>>,
    _go_on: PhantomData<GoOn<'g>>,
}

impl<'g> Handle<'g> {
    fn new(go_on: impl FnMut() -> bool + 'g) -> Outcome<Self> {
        let go_on: Box<GoOn<'g>> = Box::new(Box::new(go_on));
        let go_on = NonNull::from(Box::leak(go_on));
        // SAFETY: what it is told lives as long as the handle, which no two threads use.
        let raw = unsafe { vss_raw_new(is_to_go_on, go_on.as_ptr().cast()) };
        let Some(raw) = NonNull::new(raw) else {
            // SAFETY: of a box, and nobody has it.
            drop(unsafe { Box::from_raw(go_on.as_ptr()) });
            return Err(out_of_memory("LibRaw does not start"));
        };
        Ok(Self {
            raw,
            go_on,
            _go_on: PhantomData,
        })
    }
}

impl Drop for Handle<'_> {
    fn drop(&mut self) {
        // SAFETY: ours, and not used any more; with the library gone, so is whoever calls back.
        unsafe {
            vss_raw_drop(self.raw.as_ptr());
            drop(Box::from_raw(self.go_on.as_ptr()));
        }
    }
}

/// A camera file that is open, and whose claims are known.
pub(crate) struct LibRaw<'b, 'g> {
    handle: Handle<'g>,
    sizes: Sizes,
    /// The library reads from them.
    _bytes: PhantomData<&'b [u8]>,
}

impl<'b, 'g> LibRaw<'b, 'g> {
    /// Reads the claims of a file; nothing is unpacked. The library itself refuses what needs more
    /// than so many megabytes unpacked.
    ///
    /// # Errors
    /// `unsupported` for what is no camera file, `corrupt_source`, `too_large`, `out_of_memory`,
    /// `timeout` when it is not to go on.
    pub(crate) fn open(
        bytes: &'b [u8],
        most_megabytes: u32,
        go_on: impl FnMut() -> bool + 'g,
    ) -> Outcome<Self> {
        let handle = Handle::new(go_on)?;
        let mut sizes = Sizes::default();
        // SAFETY: the handle is alive; the bytes are borrowed until they are developed or the handle
        // is gone, and the library only reads them; the sizes are written before the call ends.
        let end = unsafe {
            vss_raw_open(
                handle.raw.as_ptr(),
                bytes.as_ptr(),
                bytes.len(),
                most_megabytes,
                &raw mut sizes,
            )
        };
        end.outcome()?;
        Ok(Self {
            handle,
            sizes,
            _bytes: PhantomData,
        })
    }

    /// What it claims.
    pub(crate) const fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Unpacks the sensor's data, for a picture of half the size if that is to be.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn unpack(self, half: bool) -> Outcome<Unpacked<'b, 'g>> {
        // SAFETY: the handle is alive and its file open.
        let end = unsafe { vss_raw_unpack(self.handle.raw.as_ptr(), half.into()) };
        end.outcome()?;
        Ok(Unpacked(self))
    }
}

/// What a sensor saw.
pub(crate) struct Unpacked<'b, 'g>(LibRaw<'b, 'g>);

impl<'g> Unpacked<'_, 'g> {
    /// Makes a picture of it. The bytes of the file are of no use any more.
    ///
    /// # Errors
    /// As [`open`](LibRaw::open).
    pub(crate) fn develop(self) -> Outcome<Developed<'g>> {
        let handle = self.0.handle;
        let mut picture = Picture::default();
        // SAFETY: the handle is alive and has unpacked, and its bytes are still borrowed; when it
        // went well, they are not read any more. The picture is written before the call ends.
        let end = unsafe { vss_raw_develop(handle.raw.as_ptr(), &raw mut picture) };
        end.outcome()?;
        Ok(Developed { handle, picture })
    }
}

/// A picture that is still the library's.
pub(crate) struct Developed<'g> {
    handle: Handle<'g>,
    picture: Picture,
}

impl Developed<'_> {
    /// What it is.
    pub(crate) const fn picture(&self) -> Picture {
        self.picture
    }

    /// How often the sensor's data made no sense.
    pub(crate) fn faults(&self) -> u32 {
        // SAFETY: the handle is alive.
        unsafe { vss_raw_faults(self.handle.raw.as_ptr()) }
    }

    /// Writes its pixels, row by row.
    ///
    /// # Errors
    /// `corrupt_source` for a buffer of another length than it has.
    pub(crate) fn copy(&self, into: &mut [u8]) -> Outcome<()> {
        let Picture {
            width,
            height,
            colours,
        } = self.picture;
        let length = u64::from(width) * u64::from(height) * u64::from(colours);
        if length != into.len() as u64 {
            return Err(corrupt("a picture of another size than it says"));
        }
        // SAFETY: the handle is alive and holds a picture of this size, whose rows fit exactly into
        // the buffer, as was just seen.
        let end = unsafe {
            vss_raw_copy(
                self.handle.raw.as_ptr(),
                &raw const self.picture,
                into.as_mut_ptr(),
            )
        };
        end.outcome()
    }
}

impl End {
    fn outcome(&self) -> Outcome<()> {
        let said = || format!("LibRaw: {}", text(self.text));
        // The numbers are those of `Class` in the shim.
        Err(match self.which {
            0 => return Ok(()),
            1 => unsupported(said()),
            3 => too_large(said()),
            4 => out_of_memory(said()),
            5 => cancelled(),
            _ => corrupt(said()),
        })
    }
}

unsafe extern "C" fn is_to_go_on(told: *mut c_void) -> i32 {
    // SAFETY: `Handle` set it to its box, which lives as long as the handle that calls this.
    let go_on = unsafe { &mut *told.cast::<GoOn<'_>>() };
    go_on().into()
}

fn text(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: the library's texts are of static storage and end with a zero.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_core::FailureClass;

    #[test]
    fn what_is_no_camera_file_is_not_opened() {
        for bytes in [
            &b""[..],
            b"II*\0\x08\0\0\0\0\0",
            &[0xFF; 5_000],
            b"%PDF-1.7",
        ] {
            let failure = LibRaw::open(bytes, 100, || true).err().unwrap();
            let class = failure.class;
            let known = [FailureClass::Unsupported, FailureClass::CorruptSource];
            assert!(known.contains(&class), "{failure}");
            assert!(failure.detail.starts_with("LibRaw: "), "{failure}");
        }
    }

    #[test]
    fn it_says_its_version() {
        assert!(version().starts_with(|first: char| first.is_ascii_digit()));
    }
}
