//! Takes nobody's word for it: what a worker answered against what lies in the files.

use std::fs::File;
use std::os::unix::fs::FileExt;

use vss_core::plan::Recipe;
use vss_core::{FailureClass, Format};
use vss_ports::{GenerateFailure, GenerateJob, JobOutput, Produced};

use crate::wire::Answer;
use crate::{WorkerLimits, webp};

/// What the worker answered, in the port's terms.
pub(crate) type Answers = Result<Vec<Result<Produced, GenerateFailure>>, GenerateFailure>;

/// The answer, when nothing in it is a lie.
///
/// # Errors
/// The lie.
pub(crate) fn verified(
    answer: Answer,
    job: &GenerateJob<'_>,
    limits: &WorkerLimits,
) -> Result<Answers, String> {
    let answers = match answer {
        Ok(answers) => answers,
        Err(failed) => return Ok(Err(clear(failed.into(), job.outputs, limits))),
    };
    let (said, wanted) = (answers.len(), job.outputs.len());
    if said != wanted {
        return Err(format!("answered {said} outputs of {wanted}"));
    }
    let mut verified = Vec::with_capacity(said);
    for (index, (answer, output)) in answers.into_iter().zip(job.outputs).enumerate() {
        verified.push(match answer {
            Ok(made) => {
                let produced = Produced::from(made);
                check(&produced, output, limits).map_err(|lie| format!("output {index} {lie}"))?;
                Ok(produced)
            }
            Err(failed) => {
                let only = job.outputs.get(index..=index).unwrap_or_default();
                Err(clear(failed.into(), only, limits))
            }
        });
    }
    Ok(Ok(verified))
}

fn check(produced: &Produced, output: &JobOutput<'_>, limits: &WorkerLimits) -> Result<(), String> {
    let size = size_of(output.file).ok_or("cannot be looked at")?;
    if size == 0 {
        return Err("is empty".into());
    }
    if size > limits.file_size {
        return Err(format!(
            "has {size} bytes and may have {}",
            limits.file_size
        ));
    }
    let head = head_of(output.file).ok_or("cannot be read")?;
    if !output.format.accepts_head(&head) {
        return Err(format!("is not {}", output.format));
    }
    let (width, height) = (produced.width, produced.height);
    if *output.format == Format::WEBP {
        let header = webp::header(&head).ok_or("has no header of a picture")?;
        if header.length != size {
            return Err(format!("has {size} bytes and says {}", header.length));
        }
        if (header.width, header.height) != (width, height) {
            return Err(format!(
                "has {} x {} pixels and was said to have {width} x {height}",
                header.width, header.height
            ));
        }
    }
    if let Recipe::Still(still) = output.recipe
        && (width.max(height) > still.max_side || width.min(height) == 0)
    {
        return Err(format!(
            "has {width} x {height} pixels: a side may have {}",
            still.max_side
        ));
    }
    Ok(())
}

/// What could not be written because the file reached its limit has no better words of its own.
fn clear(
    failure: GenerateFailure,
    outputs: &[JobOutput<'_>],
    limits: &WorkerLimits,
) -> GenerateFailure {
    let full =
        |output: &JobOutput<'_>| size_of(output.file).is_some_and(|size| size >= limits.file_size);
    if failure.class == FailureClass::TransientIo && outputs.iter().any(full) {
        let most = limits.file_size;
        let why = format!("an output grew beyond {most} bytes, the most a worker may write");
        return GenerateFailure::new(FailureClass::TooLarge, why);
    }
    failure
}

fn size_of(file: &File) -> Option<u64> {
    file.metadata().ok().map(|metadata| metadata.len())
}

fn head_of(file: &File) -> Option<Vec<u8>> {
    let mut head = vec![0; webp::HEAD];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..)
        && !rest.is_empty()
    {
        match file.read_at(rest, filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    head.truncate(filled);
    Some(head)
}
