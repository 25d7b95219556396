//! One libjpeg-turbo decompressor with its limits set. The safe half of the turbojpeg crate can
//! neither limit memory nor tell a damaged picture from an unusable one, so the calls are made
//! here; they are few.
#![expect(unsafe_code, reason = "libjpeg-turbo is a C library")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;

use turbojpeg::raw;
use vss_core::plan::DecodeLimits;

use crate::decoded::fit;
use crate::failure::{Outcome, corrupt, out_of_memory, too_large};

/// More scans than any encoder writes; without a limit a small file can ask for hours (Two Issues
/// with the JPEG Standard, libjpeg-turbo project).
const MOST_SCANS: c_int = 100;

/// How much smaller the picture is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    /// As it is.
    Full,
    /// 1/2.
    Half,
    /// 1/4.
    Quarter,
    /// 1/8.
    Eighth,
}

impl Scale {
    /// The n of 1/n.
    pub(crate) const fn denominator(self) -> u8 {
        match self {
            Self::Full => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// What becomes of a side: rounded up (`TJSCALED`).
    pub(crate) const fn of(self, side: u32) -> u32 {
        side.div_ceil(self.denominator() as u32)
    }
}

/// What the decoder is asked to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PixelFormat {
    /// One byte.
    Gray,
    /// Three bytes.
    Rgb,
    /// Four bytes, as stored.
    Cmyk,
}

impl PixelFormat {
    /// Bytes a pixel.
    pub(crate) const fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    const fn raw(self) -> raw::TJPF {
        match self {
            Self::Gray => raw::TJPF_TJPF_GRAY,
            Self::Rgb => raw::TJPF_TJPF_RGB,
            Self::Cmyk => raw::TJPF_TJPF_CMYK,
        }
    }
}

/// What to decode: the size that the header claims, and what was agreed on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Width of the whole picture.
    pub(crate) width: u32,
    /// Height of the whole picture.
    pub(crate) height: u32,
    /// How much smaller it comes out.
    pub(crate) scale: Scale,
    /// What a pixel becomes.
    pub(crate) format: PixelFormat,
    /// Bytes of the result.
    pub(crate) bytes: usize,
}

/// A decompressor.
#[derive(Debug)]
pub(crate) struct Turbo(NonNull<c_void>);

// SAFETY: the handle owns all it points to and is bound to no thread; `&mut self` on every method
// keeps it to one thread at a time.
unsafe impl Send for Turbo {}

impl Drop for Turbo {
    fn drop(&mut self) {
        // SAFETY: the handle came from tj3Init and is used no more.
        unsafe { raw::tj3Destroy(self.0.as_ptr()) };
    }
}

impl Turbo {
    /// A decompressor without limits.
    ///
    /// # Errors
    /// `out_of_memory`.
    pub(crate) fn new() -> Outcome<Self> {
        // SAFETY: tj3Init takes a plain number and gives a handle or null.
        let handle = unsafe { raw::tj3Init(number(raw::TJINIT_TJINIT_DECOMPRESS)) };
        NonNull::new(handle)
            .map(Self)
            .ok_or_else(|| out_of_memory("no JPEG decoder could be set up"))
    }

    /// Sets what a picture may cost.
    ///
    /// # Errors
    /// `corrupt_source`, should the library refuse a parameter.
    pub(crate) fn set_limits(&mut self, limits: &DecodeLimits) -> Outcome<()> {
        let clamp = |value: u64| c_int::try_from(value).unwrap_or(c_int::MAX);
        let mebibytes = (limits.max_decoded_bytes >> 20).max(1);
        self.set(raw::TJPARAM_TJPARAM_MAXPIXELS, clamp(limits.max_pixels))?;
        self.set(raw::TJPARAM_TJPARAM_MAXMEMORY, clamp(mebibytes))?;
        self.set(raw::TJPARAM_TJPARAM_SCANLIMIT, MOST_SCANS)
    }

    /// Decodes a whole file into `pixels`, without padding between rows. Gives what is missing
    /// when it is damaged but a part could be kept.
    ///
    /// # Errors
    /// `corrupt_source`, `too_large`, `out_of_memory`.
    pub(crate) fn decode(
        &mut self,
        order: &Order,
        data: &[u8],
        pixels: &mut Vec<u8>,
    ) -> Outcome<Option<String>> {
        self.read_header(order, data)?;
        let factor = raw::tjscalingfactor {
            num: 1,
            denom: c_int::from(order.scale.denominator()),
        };
        // SAFETY: the handle is alive; the factor is passed by value.
        let refused = unsafe { raw::tj3SetScalingFactor(self.0.as_ptr(), factor) } != 0;
        if refused {
            // It would go on at the old scale and write beyond the buffer.
            return Err(self.failure());
        }
        let rows = order.scale.of(order.height) as usize;
        let pitch = order.scale.of(order.width) as usize * order.format.channels();
        if pitch.checked_mul(rows) != Some(order.bytes) {
            return Err(corrupt("its size does not add up"));
        }
        fit(pixels, order.bytes)?;
        if self.decompress(data, pixels, pitch, order.format) {
            return Ok(None);
        }
        // The library says "warning" also when it gave up half way after one. What it had not
        // reached then still holds another picture. So once more, over plain grey.
        let loss = self.loss()?;
        pixels.fill(0x80);
        self.decompress(data, pixels, pitch, order.format);
        Ok(Some(loss))
    }

    /// Lets the library read the header and holds it to what ours said: it sizes the buffers.
    fn read_header(&mut self, order: &Order, data: &[u8]) -> Outcome<()> {
        let length = raw::size_t::try_from(data.len()).map_err(too_large)?;
        // SAFETY: the handle is alive; pointer and length are those of a live slice.
        let read = unsafe { raw::tj3DecompressHeader(self.0.as_ptr(), data.as_ptr(), length) } == 0;
        if !read {
            self.loss()?;
        }
        let width = u32::try_from(self.get(raw::TJPARAM_TJPARAM_JPEGWIDTH));
        let height = u32::try_from(self.get(raw::TJPARAM_TJPARAM_JPEGHEIGHT));
        if (width, height) != (Ok(order.width), Ok(order.height)) {
            return Err(corrupt("its header can be read in two ways"));
        }
        Ok(())
    }

    /// Whether the picture was decoded without complaint. `pixels` has room for all its rows.
    fn decompress(
        &mut self,
        data: &[u8],
        pixels: &mut [u8],
        pitch: usize,
        format: PixelFormat,
    ) -> bool {
        let (Ok(length), Ok(pitch)) = (raw::size_t::try_from(data.len()), c_int::try_from(pitch))
        else {
            return false;
        };
        // SAFETY: the handle is alive; the data are a live slice; `decode` sized the pixels from
        // the same header and the scale that was accepted, `pitch` bytes a row.
        let done = unsafe {
            raw::tj3Decompress8(
                self.0.as_ptr(),
                data.as_ptr(),
                length,
                pixels.as_mut_ptr(),
                pitch,
                format.raw(),
            )
        };
        done == 0
    }

    /// What a warning says was lost.
    ///
    /// # Errors
    /// The failure, when it was no warning.
    fn loss(&mut self) -> Outcome<String> {
        // SAFETY: the handle is alive.
        let code = unsafe { raw::tj3GetErrorCode(self.0.as_ptr()) };
        if code == number(raw::TJERR_TJERR_WARNING) {
            Ok(self.message())
        } else {
            Err(self.failure())
        }
    }

    fn failure(&mut self) -> vss_ports::GenerateFailure {
        let message = self.message();
        // JERR_NO_BACKING_STORE, JERR_OUT_OF_MEMORY (jerror.h), and turbojpeg.c for pixels.
        if message.contains("Memory limit exceeded") || message.contains("too large") {
            too_large(message)
        } else if message.contains("Insufficient memory") {
            out_of_memory(message)
        } else {
            corrupt(message)
        }
    }

    fn message(&mut self) -> String {
        // SAFETY: the handle is alive; the library gives a string that ends with 0 and stays until
        // the next call, and it is copied here.
        let message = unsafe { CStr::from_ptr(raw::tj3GetErrorStr(self.0.as_ptr())) };
        message.to_string_lossy().into_owned()
    }

    fn set(&mut self, parameter: raw::TJPARAM, value: c_int) -> Outcome<()> {
        // SAFETY: the handle is alive; the rest are plain numbers.
        let refused = unsafe { raw::tj3Set(self.0.as_ptr(), number(parameter), value) } != 0;
        if refused { Err(self.failure()) } else { Ok(()) }
    }

    fn get(&mut self, parameter: raw::TJPARAM) -> c_int {
        // SAFETY: the handle is alive; the parameter is a plain number.
        unsafe { raw::tj3Get(self.0.as_ptr(), number(parameter)) }
    }
}

/// A constant as the functions want it: C's enums are unsigned here and signed there.
const fn number(constant: std::ffi::c_uint) -> c_int {
    constant.cast_signed()
}
