//! Makes `NAME_256.webp`, `NAME_512.webp` and `NAME_1024.webp`, quality 80, of every JPEG in a
//! flat folder, one job a photo.

use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use vss_core::Format;
use vss_core::plan::{DecodeLimits, Recipe, StillRecipe};
use vss_ports::{CancelToken, GenerateJob, Generator, JobOutput, Unlimited};

const SIDES: [u32; 3] = [256, 512, 1024];

/// Makes them with a generator, as the command line says: `PHOTO_DIR OUT_DIR [THREADS=2]`.
pub(crate) fn run(generator: &dyn Generator) -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(photos), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: PHOTO_DIR OUT_DIR [THREADS=2]".into());
    };
    let threads: usize = match arguments.next() {
        Some(text) => text.to_str().ok_or("THREADS is a number")?.parse()?,
        None => 2,
    };
    let out = PathBuf::from(out);
    fs::create_dir_all(&out)?;
    let listed = fs::read_dir(photos)?.collect::<Result<Vec<_>, _>>()?;
    let mut queue: Vec<_> = listed.iter().map(fs::DirEntry::path).collect();
    queue.retain(|path| path.extension() == Some(OsStr::new("jpg")));
    queue.sort();
    queue.reverse();

    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(photo) = queue.lock().ok().and_then(|mut queue| queue.pop()) {
                    if let Err(error) = make(generator, &photo, &out) {
                        eprintln!("{}: {error}", photo.display());
                    }
                }
            });
        }
    });
    Ok(())
}

fn make(generator: &dyn Generator, photo: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let source = File::open(photo)?;
    let name = photo.file_stem().ok_or("a photo has a name")?;
    let file = |side: u32| {
        let mut name = name.to_os_string();
        name.push(format!("_{side}.webp"));
        // Read again by who checks what a worker wrote.
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        options.open(out.join(name))
    };
    let files = SIDES.map(file).into_iter().collect::<Result<Vec<_>, _>>()?;
    let recipe = |max_side| {
        Recipe::Still(StillRecipe {
            max_side,
            quality: 80,
        })
    };
    let recipes = SIDES.map(recipe);
    let pair = |(recipe, file)| JobOutput {
        format: &Format::WEBP,
        recipe,
        file,
    };
    let outputs: Vec<_> = recipes.iter().zip(&files).map(pair).collect();
    let produced = generator.generate(&GenerateJob {
        source: &source,
        source_size: source.metadata()?.len(),
        media_type: &"image/jpeg".parse()?,
        limits: DecodeLimits::default(),
        outputs: &outputs,
        host: &Unlimited,
        cancel: CancelToken::new(),
    })?;
    produced.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}
