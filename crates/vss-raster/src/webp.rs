//! Encodes thumbnails with libwebp: lossy, with alpha where there is some, without any metadata.
#![expect(unsafe_code, reason = "libwebp is a C library")]

use std::ffi::{c_int, c_void};
use std::slice;

use libwebp_sys as sys;

use crate::failure::{Outcome, out_of_memory, unsupported};

/// The largest side that WebP can store.
pub const LARGEST_SIDE: u32 = 16_383;

/// Effort. 2 costs half of sharp's 4; [`QUALITY_STEP`] makes up for what it loses.
const METHOD: c_int = 2;

/// What is added to sharp's quality so that a thumbnail is not less like the original than sharp's
/// with its greater effort (measured with SSIM on camera photos: docs/performance.md).
const QUALITY_STEP: u8 = 2;

/// Encodes pixels of 3 (RGB) or 4 (RGBA) bytes; the file replaces the content of `out`.
///
/// # Errors
/// `unsupported` for sizes that WebP cannot hold, `out_of_memory`.
pub fn encode(
    pixels: &[u8],
    (width, height): (u32, u32),
    channels: usize,
    quality: u8,
    out: &mut Vec<u8>,
) -> Outcome<()> {
    let whole = (width as usize)
        .checked_mul(height as usize)
        .and_then(|pixels| pixels.checked_mul(channels));
    let side = |side: u32| c_int::try_from(side).ok().filter(|s| *s > 0);
    let (Some(w), Some(h), true, true) = (
        side(width),
        side(height),
        width.max(height) <= LARGEST_SIDE,
        whole == Some(pixels.len()) && matches!(channels, 3 | 4),
    ) else {
        return Err(unsupported(format!(
            "WebP holds no picture of {width} x {height} pixels"
        )));
    };
    let stride = c_int::try_from(width as usize * channels).map_err(unsupported)?;
    let version = || unsupported("libwebp is of another version than it was built for");
    let mut config = sys::WebPConfig::new().map_err(|()| version())?;
    config.quality = f32::from(quality.saturating_add(QUALITY_STEP).min(100));
    config.method = METHOD;
    let mut picture = Picture(sys::WebPPicture::new().map_err(|()| version())?);
    picture.0.width = w;
    picture.0.height = h;
    out.clear();
    // SAFETY: the picture is initialized and has its size; `pixels` holds `h` rows of `stride`
    // bytes, as checked above.
    let imported = unsafe {
        if channels == 4 {
            sys::WebPPictureImportRGBA(&raw mut picture.0, pixels.as_ptr(), stride)
        } else {
            sys::WebPPictureImportRGB(&raw mut picture.0, pixels.as_ptr(), stride)
        }
    };
    if imported == 0 {
        return Err(out_of_memory("no room for the picture in WebP's planes"));
    }
    picture.0.writer = Some(append);
    picture.0.custom_ptr = (&raw mut *out).cast();
    // SAFETY: configuration and picture are initialized; `append` gets `out`, which outlives the
    // call and is borrowed by nobody else meanwhile.
    let encoded = unsafe { sys::WebPEncode(&raw const config, &raw mut picture.0) };
    if encoded == 0 {
        let code = picture.0.error_code;
        return Err(out_of_memory(format!("WebP encoding stopped: {code:?}")));
    }
    Ok(())
}

/// A picture whose planes are freed with it.
struct Picture(sys::WebPPicture);

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the picture was initialized; freeing one without planes is allowed.
        unsafe { sys::WebPPictureFree(&raw mut self.0) };
    }
}

/// Takes the next bytes of a file; 0 stops the encoder.
extern "C" fn append(data: *const u8, size: usize, picture: *const sys::WebPPicture) -> c_int {
    if data.is_null() || size == 0 {
        return 1;
    }
    // SAFETY: libwebp hands back the picture of `encode`, whose `custom_ptr` is its `out`, and
    // `size` bytes at `data`.
    let (out, bytes) = unsafe {
        let out: *mut c_void = (*picture).custom_ptr;
        (
            &mut *out.cast::<Vec<u8>>(),
            slice::from_raw_parts(data, size),
        )
    };
    if out.try_reserve(size).is_err() {
        return 0;
    }
    out.extend_from_slice(bytes);
    1
}
