//! One AV1 still, from its bytes to its planes.

use re_rav1d::dav1d::pixel::YUVRange;
use re_rav1d::dav1d::{Decoder, Error, Picture, PlanarImageComponent, Settings};
use vss_ports::GenerateFailure;
use vss_raster::Outcome;
use vss_raster::failure::{corrupt, out_of_memory, unsupported};

/// Times that the decoder may take a part of a still's bytes without a picture.
const MOST_PIECES: u32 = 64;

/// Decodes a still of which the container says how large it is.
///
/// # Errors
/// `corrupt_source`, also when it is larger or smaller, `unsupported`, `too_large`, `out_of_memory`.
pub(crate) fn decode(bytes: Vec<u8>, (width, height): (u32, u32)) -> Outcome<Picture> {
    let mut settings = Settings::new();
    // One thread: a confined worker can start none.
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // Of a picture in layers the best.
    settings.set_all_layers(false);
    // Larger ones are refused before they cost memory.
    settings.set_frame_size_limit(width.saturating_mul(height));
    if bytes.is_empty() {
        return Err(corrupt("its picture has no bytes"));
    }
    let mut decoder = Decoder::with_settings(&settings).map_err(failure)?;
    let mut sent = decoder.send_data(bytes, None, None, None);
    let mut picture = decoder.get_picture();
    for _ in 0..MOST_PIECES {
        match (&picture, sent) {
            (Err(Error::Again), Err(Error::Again)) => {
                sent = decoder.send_pending_data();
                picture = decoder.get_picture();
            }
            _ => break,
        }
    }
    let picture = match (picture, sent) {
        (Ok(picture), _) => picture,
        (Err(Error::Again), Ok(()) | Err(Error::Again)) => {
            return Err(corrupt("its picture is cut off"));
        }
        (Err(Error::Again), Err(error)) | (Err(error), _) => return Err(failure(error)),
    };
    if (picture.width(), picture.height()) != (width, height) {
        let (wide, high) = (picture.width(), picture.height());
        return Err(corrupt(format!(
            "{wide} x {high} pixels, where it says {width} x {height}"
        )));
    }
    Ok(picture)
}

fn failure(error: Error) -> GenerateFailure {
    match error {
        Error::NotEnoughMemory => out_of_memory(error),
        Error::UnsupportedBitstream => unsupported(error),
        Error::UnknownError(error) if format!("{error:?}") == "ERANGE" => {
            corrupt("it has more pixels than it says")
        }
        _ => corrupt(format!("AV1: {error}")),
    }
}

/// A plane with 8 bits a sample.
pub(crate) struct Plane {
    pub(crate) samples: Vec<u8>,
    /// Samples from one row to the next.
    pub(crate) stride: u32,
}

/// The samples of a plane, brought to 8 bits.
///
/// # Errors
/// `unsupported` for fewer than 8, `out_of_memory`.
pub(crate) fn plane(of: &Picture, component: PlanarImageComponent) -> Outcome<Plane> {
    let plane = of.plane(component);
    let (stride, _) = of.plane_data_geometry(component);
    let bits = of.bits_per_component().map_or(8, |bits| bits.0);
    if bits == 8 {
        let mut samples = empty(plane.len())?;
        samples.extend_from_slice(&plane);
        return Ok(Plane { samples, stride });
    }
    let shift = bits
        .checked_sub(8)
        .and_then(|bits| u32::try_from(bits).ok());
    let shift = shift.ok_or_else(|| unsupported(format!("{bits} bits a sample")))?;
    let half = 1_u32 << shift >> 1;
    let (wide, _) = plane.as_chunks::<2>();
    let mut samples = empty(wide.len())?;
    samples.extend(wide.iter().map(|sample| {
        let value = u32::from(u16::from_ne_bytes(*sample)) + half;
        u8::try_from(value >> shift).unwrap_or(u8::MAX)
    }));
    Ok(Plane {
        samples,
        stride: stride / 2,
    })
}

/// Room for so many bytes.
///
/// # Errors
/// `out_of_memory`.
pub(crate) fn empty(length: usize) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(out_of_memory)?;
    Ok(bytes)
}

/// What the stream itself says of its colours: the number of its matrix, and whether it uses all
/// values.
pub(crate) fn said_colours(picture: &Picture) -> (u16, bool) {
    // They have the numbers of H.273.
    let matrix = picture.matrix_coefficients() as u16;
    (matrix, picture.color_range() == YUVRange::Full)
}
