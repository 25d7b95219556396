//! Languages in file names: `movie.en.srt`, `movie.pt-BR.srt`, `movie.eng.srt`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language as BCP 47 writes it, in its shortest form and with the usual capitals: `en`, `pt-BR`,
/// `zh-Hant`. The language itself is one of ISO 639-2 (`eng` becomes `en`); what follows may be a
/// script, a region and variants.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(Cow<'static, str>);

/// Why a language was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a language such as \"en\", \"eng\" or \"pt-BR\"")]
pub struct LanguageTagError {
    /// What was given.
    pub text: String,
}

impl LanguageTag {
    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LanguageTag {
    type Err = LanguageTagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).ok_or_else(|| LanguageTagError { text: text.into() })
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = LanguageTagError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0.into_owned()
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// No tag that anybody uses is longer.
const LONGEST: usize = 35;

fn read(text: &str) -> Option<LanguageTag> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = text.split(['-', '_']);
    let language = language(parts.next()?)?;
    let mut rest = parts.peekable();
    if rest.peek().is_none() {
        return Some(LanguageTag(Cow::Borrowed(language)));
    }
    let mut tag = language.to_owned();
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if let Some(script) = rest.next_if(|part| part.len() == 4 && letters(part)) {
        let (first, others) = script.split_at(1);
        tag.push('-');
        tag.push_str(&first.to_ascii_uppercase());
        tag.push_str(&others.to_ascii_lowercase());
    }
    let is_region =
        |part: &str| (part.len() == 2 && letters(part)) || (part.len() == 3 && digits(part));
    if let Some(region) = rest.next_if(|part| is_region(part)) {
        tag.push('-');
        tag.push_str(&region.to_ascii_uppercase());
    }
    for variant in rest {
        let plain = variant.bytes().all(|b| b.is_ascii_alphanumeric());
        let dated = variant.len() == 4 && variant.starts_with(|c: char| c.is_ascii_digit());
        if !plain || !(dated || (5..=8).contains(&variant.len())) {
            return None;
        }
        tag.push('-');
        tag.push_str(&variant.to_ascii_lowercase());
    }
    Some(LanguageTag(Cow::Owned(tag)))
}

/// The shortest code of a language, by any of its codes.
fn language(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_lowercase();
    let found = match code.len() {
        2 => CODES.iter().find(|row| row.get(4..) == Some(&code))?,
        3 => {
            let at = CODES.binary_search_by(|row| row.get(..3).unwrap_or_default().cmp(&code));
            CODES.get(at.ok()?)?
        }
        _ => return None,
    };
    found.get(4..).or(Some(found))
}

/// The codes of three letters (ISO 639-2, both for terms and for books), sorted, each with the
/// code of two letters (ISO 639-1) where there is one; and four more (ISO 639-3) that films have
/// subtitles in.
const CODES: &[&str] = &[
    "aar=aa", "abk=ab", "ace", "ach", "ada", "ady", "afa", "afh", "afr=af", "ain", "aka=ak", "akk",
    "alb=sq", "ale", "alg", "alt", "amh=am", "ang", "anp", "apa", "ara=ar", "arc", "arg=an",
    "arm=hy", "arn", "arp", "art", "arw", "asm=as", "ast", "ath", "aus", "ava=av", "ave=ae", "awa",
    "aym=ay", "aze=az", "bad", "bai", "bak=ba", "bal", "bam=bm", "ban", "baq=eu", "bas", "bat",
    "bej", "bel=be", "bem", "ben=bn", "ber", "bho", "bih=bh", "bik", "bin", "bis=bi", "bla", "bnt",
    "bod=bo", "bos=bs", "bra", "bre=br", "btk", "bua", "bug", "bul=bg", "bur=my", "byn", "cad",
    "cai", "car", "cat=ca", "cau", "ceb", "cel", "ces=cs", "cha=ch", "chb", "che=ce", "chg",
    "chi=zh", "chk", "chm", "chn", "cho", "chp", "chr", "chu=cu", "chv=cv", "chy", "cmc", "cmn",
    "cnr", "cop", "cor=kw", "cos=co", "cpe", "cpf", "cpp", "cre=cr", "crh", "crp", "csb", "cus",
    "cym=cy", "cze=cs", "dak", "dan=da", "dar", "day", "del", "den", "deu=de", "dgr", "din",
    "div=dv", "doi", "dra", "dsb", "dua", "dum", "dut=nl", "dyu", "dzo=dz", "efi", "egy", "eka",
    "ell=el", "elx", "eng=en", "enm", "epo=eo", "est=et", "eus=eu", "ewe=ee", "ewo", "fan",
    "fao=fo", "fas=fa", "fat", "fij=fj", "fil", "fin=fi", "fiu", "fon", "fra=fr", "fre=fr", "frm",
    "fro", "frr", "frs", "fry=fy", "ful=ff", "fur", "gaa", "gay", "gba", "gem", "geo=ka", "ger=de",
    "gez", "gil", "gla=gd", "gle=ga", "glg=gl", "glv=gv", "gmh", "goh", "gon", "gor", "got", "grb",
    "grc", "gre=el", "grn=gn", "gsw", "guj=gu", "gwi", "hai", "hat=ht", "hau=ha", "haw", "heb=he",
    "her=hz", "hil", "him", "hin=hi", "hit", "hmn", "hmo=ho", "hrv=hr", "hsb", "hun=hu", "hup",
    "hye=hy", "iba", "ibo=ig", "ice=is", "ido=io", "iii=ii", "ijo", "iku=iu", "ile=ie", "ilo",
    "ina=ia", "inc", "ind=id", "ine", "inh", "ipk=ik", "ira", "iro", "isl=is", "ita=it", "jav=jv",
    "jbo", "jpn=ja", "jpr", "jrb", "kaa", "kab", "kac", "kal=kl", "kam", "kan=kn", "kar", "kas=ks",
    "kat=ka", "kau=kr", "kaw", "kaz=kk", "kbd", "kha", "khi", "khm=km", "kho", "kik=ki", "kin=rw",
    "kir=ky", "kmb", "kok", "kom=kv", "kon=kg", "kor=ko", "kos", "kpe", "krc", "krl", "kro", "kru",
    "kua=kj", "kum", "kur=ku", "kut", "lad", "lah", "lam", "lao=lo", "lat=la", "lav=lv", "lez",
    "lim=li", "lin=ln", "lit=lt", "lol", "loz", "ltz=lb", "lua", "lub=lu", "lug=lg", "lui", "lun",
    "luo", "lus", "mac=mk", "mad", "mag", "mah=mh", "mai", "mak", "mal=ml", "man", "mao=mi", "map",
    "mar=mr", "mas", "may=ms", "mdf", "mdr", "men", "mga", "mic", "min", "mis", "mkd=mk", "mkh",
    "mlg=mg", "mlt=mt", "mnc", "mni", "mno", "moh", "mon=mn", "mos", "mri=mi", "msa=ms", "mul",
    "mun", "mus", "mwl", "mwr", "mya=my", "myn", "myv", "nah", "nai", "nan", "nap", "nau=na",
    "nav=nv", "nbl=nr", "nde=nd", "ndo=ng", "nds", "nep=ne", "new", "nia", "nic", "niu", "nld=nl",
    "nno=nn", "nob=nb", "nog", "non", "nor=no", "nqo", "nso", "nub", "nwc", "nya=ny", "nym", "nyn",
    "nyo", "nzi", "oci=oc", "oji=oj", "ori=or", "orm=om", "osa", "oss=os", "ota", "oto", "paa",
    "pag", "pal", "pam", "pan=pa", "pap", "pau", "peo", "per=fa", "phi", "phn", "pli=pi", "pol=pl",
    "pon", "por=pt", "pra", "pro", "pus=ps", "que=qu", "raj", "rap", "rar", "roa", "roh=rm", "rom",
    "ron=ro", "rum=ro", "run=rn", "rup", "rus=ru", "sad", "sag=sg", "sah", "sai", "sal", "sam",
    "san=sa", "sas", "sat", "scn", "sco", "sel", "sem", "sga", "sgn", "shn", "sid", "sin=si",
    "sio", "sit", "sla", "slk=sk", "slo=sk", "slv=sl", "sma", "sme=se", "smi", "smj", "smn",
    "smo=sm", "sms", "sna=sn", "snd=sd", "snk", "sog", "som=so", "son", "sot=st", "spa=es",
    "sqi=sq", "srd=sc", "srn", "srp=sr", "srr", "ssa", "ssw=ss", "suk", "sun=su", "sus", "sux",
    "swa=sw", "swe=sv", "syc", "syr", "tah=ty", "tai", "tam=ta", "tat=tt", "tel=te", "tem", "ter",
    "tet", "tgk=tg", "tgl=tl", "tha=th", "tib=bo", "tig", "tir=ti", "tiv", "tkl", "tlh", "tli",
    "tmh", "tog", "ton=to", "tpi", "tsi", "tsn=tn", "tso=ts", "tuk=tk", "tum", "tup", "tur=tr",
    "tut", "tvl", "twi=tw", "tyv", "udm", "uga", "uig=ug", "ukr=uk", "umb", "und", "urd=ur",
    "uzb=uz", "vai", "ven=ve", "vie=vi", "vol=vo", "vot", "wak", "wal", "war", "was", "wel=cy",
    "wen", "wln=wa", "wol=wo", "wuu", "xal", "xho=xh", "yao", "yap", "yid=yi", "yor=yo", "ypk",
    "yue", "zap", "zbl", "zen", "zgh", "zha=za", "zho=zh", "znd", "zul=zu", "zun", "zxx", "zza",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_one_spelling() {
        for (text, expected) in [
            ("en", "en"),
            ("EN", "en"),
            ("eng", "en"),
            ("ger", "de"),
            ("deu", "de"),
            ("yue-HK", "yue-HK"),
            ("pt-br", "pt-BR"),
            ("pt_BR", "pt-BR"),
            ("zh-hant", "zh-Hant"),
            ("ZHO-HANT-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("de-1901", "de-1901"),
            ("ca-valencia", "ca-valencia"),
            ("gsw", "gsw"),
            ("und", "und"),
        ] {
            let read = text.parse::<LanguageTag>().ok();
            let read = read.as_ref().map_or("", LanguageTag::as_str);
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn other_words_are_no_languages() {
        for text in [
            "",
            "e",
            "hd",
            "v2",
            "xx",
            "mkv",
            "part1",
            "1080p",
            "english",
            "en-",
            "-en",
            "en--US",
            "en-USA",
            "en-x",
            "é",
            "en-ü",
            "forced",
            "ab-cd-ef-gh",
        ] {
            assert!(text.parse::<LanguageTag>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_code_in_it_is_found() {
        assert!(CODES.is_sorted());
        for row in CODES {
            let short = language(&row[..3]).unwrap();
            assert_eq!(short, row.get(4..).unwrap_or(row));
            assert_eq!(language(short), Some(short));
        }
    }
}
