//! How often an original is read and what is decoded of it: known from what is wanted alone, so
//! that it can be shown before anything is read.

use std::fmt;

use vss_core::plan::Recipe;

/// One way through an original.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
    /// Looks single frames up and decodes little else: for pictures alone.
    Seek {
        /// Still pictures made of it.
        stills: usize,
        /// Strips made of it, and maps of strips.
        strips: usize,
    },
    /// Reads every packet once and decodes each wanted stream once.
    Through {
        /// Whether the video is decoded.
        video: bool,
        /// Whether the audio is decoded.
        audio: bool,
        /// Still pictures made of it.
        stills: usize,
        /// Strips made of it, and maps of strips.
        strips: usize,
        /// Proxies made of it.
        proxies: usize,
        /// Waveforms and samples made of it.
        sounds: usize,
    },
}

/// The passes that a job takes, in their order: none, one or two.
///
/// Pictures alone are looked up. As soon as every frame has to be decoded for a proxy, pictures
/// are taken from that decode. Sound without a proxy leaves the video undecoded, so that looking
/// pictures up beside it stays the cheaper way.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Passes(Vec<Pass>);

impl Passes {
    /// The passes for these outputs of one original. Recipes that are not of video or audio ask
    /// for nothing.
    pub fn of<'a>(recipes: impl IntoIterator<Item = &'a Recipe>) -> Self {
        let (mut stills, mut strips, mut proxies, mut sounds) = (0, 0, 0, 0);
        let mut heard = false;
        for recipe in recipes {
            match recipe {
                Recipe::Still(_) => stills += 1,
                Recipe::Strip(_) | Recipe::StripMap(_) => strips += 1,
                Recipe::Proxy(proxy) => {
                    proxies += 1;
                    heard |= proxy.audio_bitrate > 0;
                }
                Recipe::Waveform(_) | Recipe::Pcm(_) => sounds += 1,
                _ => {}
            }
        }
        let mut passes = Vec::new();
        let pictures = stills + strips > 0;
        if pictures && proxies == 0 {
            passes.push(Pass::Seek { stills, strips });
        }
        if proxies > 0 {
            passes.push(Pass::Through {
                video: true,
                audio: heard || sounds > 0,
                stills,
                strips,
                proxies,
                sounds,
            });
        } else if sounds > 0 {
            passes.push(Pass::Through {
                video: false,
                audio: true,
                stills: 0,
                strips: 0,
                proxies,
                sounds,
            });
        }
        Self(passes)
    }

    /// Each of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Pass> {
        self.0.iter()
    }

    /// Whether pictures are looked up, apart from any decode of the whole.
    pub fn seeks(&self) -> bool {
        self.iter().any(|pass| matches!(pass, Pass::Seek { .. }))
    }

    /// Which streams are decoded as a whole: video, audio.
    pub fn through(&self) -> (bool, bool) {
        let mut decoded = (false, false);
        for pass in self.iter() {
            if let Pass::Through { video, audio, .. } = pass {
                decoded = (*video, *audio);
            }
        }
        decoded
    }
}

impl fmt::Display for Passes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pass) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{pass}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (decode, made) = match *self {
            Self::Seek { stills, strips } => ("single frames", [stills, strips, 0, 0]),
            Self::Through {
                video,
                audio,
                stills,
                strips,
                proxies,
                sounds,
            } => {
                let decode = match (video, audio) {
                    (true, true) => "video and audio",
                    (true, false) => "video",
                    (false, _) => "audio",
                };
                (decode, [stills, strips, proxies, sounds])
            }
        };
        write!(f, "{decode} ->")?;
        let names = ["stills", "strips", "proxies", "sounds"];
        let mut made = made.into_iter().zip(names).filter(|(count, _)| *count > 0);
        if let Some((count, name)) = made.next() {
            write!(f, " {count} {name}")?;
        }
        made.try_for_each(|(count, name)| write!(f, ", {count} {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vss_core::plan::{
        PcmRecipe, ProxyRecipe, StillRecipe, StripMapRecipe, StripRecipe, TextRecipe,
        WaveformRecipe,
    };

    const STILL: Recipe = Recipe::Still(StillRecipe {
        max_side: 256,
        quality: 80,
    });
    const STRIP: StripRecipe = StripRecipe {
        columns: 5,
        rows: 5,
        tile_side: 320,
        quality: 75,
    };
    const SOUND: Recipe = Recipe::Waveform(WaveformRecipe { points: 1_000 });

    fn proxy(audio_bitrate: u32) -> Recipe {
        Recipe::Proxy(ProxyRecipe {
            short_side: 480,
            crf: 26,
            audio_bitrate,
        })
    }

    #[test]
    fn pictures_alone_are_looked_up() {
        let map = Recipe::StripMap(StripMapRecipe::of(STRIP, &vss_core::Variant::PREVIEW));
        let passes = Passes::of(&[STILL, STILL, Recipe::Strip(STRIP), map]);
        assert_eq!(passes.to_string(), "single frames -> 2 stills, 2 strips");
        assert_eq!((passes.seeks(), passes.through()), (true, (false, false)));
    }

    #[test]
    fn whatever_is_wanted_beside_a_proxy_comes_from_its_decode() {
        let passes = Passes::of(&[STILL, Recipe::Strip(STRIP), proxy(0), proxy(96_000), SOUND]);
        let expected = "video and audio -> 1 stills, 1 strips, 2 proxies, 1 sounds";
        assert_eq!(passes.to_string(), expected);
        assert!(!passes.seeks());
        assert_eq!(Passes::of(&[proxy(0)]).to_string(), "video -> 1 proxies");
    }

    #[test]
    fn sound_leaves_the_video_undecoded() {
        let pcm = Recipe::Pcm(PcmRecipe {
            sample_rate: 16_000,
        });
        let passes = Passes::of(&[SOUND, STILL, pcm]);
        let expected = "single frames -> 1 stills; audio -> 2 sounds";
        assert_eq!(passes.to_string(), expected);
        assert_eq!(passes.through(), (false, true));
    }

    #[test]
    fn what_is_not_known_costs_nothing() {
        let text = Recipe::Text(TextRecipe {
            languages: Vec::new(),
            max_pages: 1,
        });
        assert_eq!(Passes::of(&[text]), Passes::default());
    }
}
