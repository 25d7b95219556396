//! Takes nobody's word for it: what a worker answered against what lies in the files.

use std::fs::File;
use std::os::unix::fs::FileExt;

use vss_core::plan::Recipe;
use vss_core::text::{TEXT_VERSION, TextDocument};
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
    if let Recipe::Text(text) = output.recipe {
        check_text(output.file, size, text.max_pages)?;
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

/// Whether a file is what the exports can read: its size was held against the limit before.
fn check_text(file: &File, size: u64, max_pages: u32) -> Result<(), String> {
    let length = usize::try_from(size).map_err(|error| error.to_string())?;
    let json = read_up_to(file, length).ok_or("cannot be read")?;
    let document: TextDocument =
        serde_json::from_slice(&json).map_err(|error| format!("is not a text: {error}"))?;
    if document.version != TEXT_VERSION {
        return Err(format!("is a text of version {}", document.version));
    }
    let most = usize::try_from(max_pages).unwrap_or(usize::MAX);
    if document.pages.len() > most {
        let pages = document.pages.len();
        return Err(format!("has {pages} pages and may have {most}"));
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
    read_up_to(file, webp::HEAD)
}

fn read_up_to(file: &File, length: usize) -> Option<Vec<u8>> {
    let mut head = vec![0; length];
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Result<(), String> {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(json.as_bytes(), 0).unwrap();
        check_text(&file, json.len() as u64, 1)
    }

    #[test]
    fn a_text_that_exports_could_not_read_is_a_lie() {
        let page = r#"{"number":1,"source":"ocr","width":9,"height":9,"rotation":0,"blocks":[]}"#;
        let text = |version: u32, pages: &str| {
            format!(
                r#"{{"version":{version},"engine":{{"name":"a","version":"1"}},"languages":["eng"],"page_count":2,"empty":true,"pages":[{pages}]}}"#
            )
        };
        assert_eq!(answer(&text(TEXT_VERSION, page)), Ok(()));
        assert!(
            answer(&text(TEXT_VERSION + 1, page))
                .unwrap_err()
                .contains("version")
        );
        let two = format!("{page},{page}");
        assert!(
            answer(&text(TEXT_VERSION, &two))
                .unwrap_err()
                .contains("2 pages")
        );
        for bad in ["{}", "[", "{\"version\":1}", ""] {
            assert!(
                answer(bad).unwrap_err().contains("is not a text"),
                "{bad:?}"
            );
        }
    }
}
