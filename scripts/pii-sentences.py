#!/usr/bin/env python3
"""Writes marked sentences from the files in crates/souk-privacy/training, for `cargo xtask pii-train`.

usage: pii-sentences.py OUT.json [SENTENCES_PER_TEMPLATE] [SEED] [MARKED.json]
Names and places come from the packed lists; streets, firms and jobs are put together here. With MARKED.json (the training part of
a marked data set) a share of the slots is filled with what is marked there. The output has the shape of presidio-research's files,
with "is_generated": true.
"""
import json, os, random, re, sys, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "../crates/souk-privacy")
OUT, EACH, SEED = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 40, int(sys.argv[3]) if len(sys.argv) > 3 else 7
MARKED = json.load(open(sys.argv[4])) if len(sys.argv) > 4 else []
MARKED_SHARE = .4
rng = random.Random(SEED)
FIRMS = open(f"{DATA}/training/firms.txt", encoding="utf-8").read().splitlines()
lists = [line.split("\t") for line in zlib.decompress(open(f"{DATA}/data/pii/gazetteer.txt.z", "rb").read()).decode().splitlines()]
pick = rng.choice
FIRST = [k for f, k in lists if int(f) & 1 and not int(f) & (2 | 4 | 8) and " " not in k and len(k) > 2]
COMMON_FIRST = [k for f, k in lists if int(f) & 1 and int(f) & 96 and not int(f) & 16 and len(k) > 3]
LAST = [k for f, k in lists if int(f) & 2 and not int(f) & 48 and " " not in k and len(k) > 2]
CITY = [k for f, k in lists if int(f) & 4 and not int(f) & 112]
COUNTRY = [k for f, k in lists if int(f) & 8]
WORD = [k for f, k in lists if int(f) & 32 and not int(f) & 15 and k.isalpha() and len(k) > 3]
STATES = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC TN TX UT VT VA WA WI".split()
BRANDS = "Samsung Adidas Nike Apple Bosch Sony Philips Lego Puma Levi's Zara Dyson Canon Makita Gucci Prada Nivea Oreo Nutella Ikea Garmin Lenovo Asus Braun".split()
PRODUCTS = {
    "en": "running shoes|coffee machine|blue dress|phone case|laptop bag|garden chair|wool sweater|game console|baby stroller|water bottle|tea set|headphones|toaster|jeans|desk lamp|rain jacket|cordless drill|yoga mat".split("|"),
    "es": "las zapatillas|la cafetera|un vestido azul|la funda del móvil|una silla de jardín|el jersey de lana|los auriculares|la tostadora|una lámpara|la chaqueta".split("|"),
    "fr": "les baskets|la machine à café|une robe bleue|la coque du téléphone|une chaise de jardin|le pull en laine|les écouteurs|le grille-pain|une lampe|la veste".split("|"),
    "de": "die Laufschuhe|die Kaffeemaschine|ein blaues Kleid|die Handyhülle|einen Gartenstuhl|den Wollpullover|die Kopfhörer|den Toaster|eine Lampe|die Regenjacke".split("|"),
}
DAYS = {"en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday", "es": "lunes martes miércoles jueves viernes sábado domingo",
        "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche", "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"}
TITLES = {"en": "Mr. Mrs. Ms. Miss Dr. Mr Mrs Prof.", "es": "señor señora Sr. Sra. doctor doctora", "fr": "Monsieur Madame M. Mme Docteur", "de": "Herr Frau Dr. Herrn"}
JOB_HEADS = "manager|engineer|officer|director|assistant|clerk|operator|teacher|nurse|designer|developer|technician|analyst|consultant|administrator|supervisor|worker|specialist|coordinator|scientist|editor|surgeon|therapist|accountant|driver|installer|repairer|inspector|tender|planner|adviser|agent|buyer|trader|researcher|secretary|setter|attendant".split("|")
JOB_WORDS = "sales|marketing|civil|chemical|software|database|postal|medical|legal|financial|personnel|retail|quality|warehouse|maintenance|training|insurance|education|production|network|travel|social|tax|media|risk|energy|mining|forest|textile|machine|paper|metal|computer|security|art|music|sports|event|office".split("|")
JOBS = {"es": "gerente de ventas|ingeniera|directora de compras|jefe de almacén|cocinero".split("|"), "fr": "directeur des ventes|ingénieure|responsable des achats|chef de rayon|cuisinier".split("|"),
        "de": "Vertriebsleiterin|Ingenieur|Einkaufsleiter|Lagerchef|Koch".split("|")}
PEOPLES = "American British French German Spanish Thai Chinese Italian Mexican Japanese Greek Dutch Swedish Indian Turkish Polish Irish Korean European Asian African Danish Russian Cuban".split()
ACCENTS = {"a": "áàäâăąå", "e": "éèëêěę", "i": "íìïî", "o": "óòöôőø", "u": "úùüûů", "c": "çćč", "n": "ñń", "s": "śšş", "z": "žżź", "y": "ý", "l": "ł", "d": "đ", "r": "ř"}


def title(text):
    small = {"de", "del", "la", "las", "los", "di", "da", "do", "dos", "van", "der", "den", "von", "and", "of", "the", "du", "des", "le", "les", "y", "am", "an", "in", "sur", "en"}
    words = [w if i and w in small else "-".join(p[:1].upper() + p[1:] for p in w.split("-")) for i, w in enumerate(text.split(" "))]
    return " ".join(words)


def accented(text):
    if rng.random() > .25:
        return text
    spots = [i for i, c in enumerate(text) if c in ACCENTS and i]
    for i in rng.sample(spots, min(len(spots), pick([1, 1, 2]))):
        text = text[:i] + pick(ACCENTS[text[i]]) + text[i + 1:]
    return text


def first():
    return title(accented(pick(COMMON_FIRST if rng.random() < .4 else FIRST)))


def last():
    name = accented(pick(LAST))
    if rng.random() < .12:
        name = name[: max(3, len(name) - 2)] + pick(["ova", "ić", "sson", "dóttir", "escu", "ský", "enko", "czyk", "idis", "ez", "ini", "mann", "sen", "berg", "moto", "yan", "ishi", "ov", "ska", "uri"])
    name = title(name)
    roll = rng.random()
    if roll < .04:
        name = pick(["Mc", "O'", "Mac", "D'"]) + name
    elif roll < .08:
        name = pick(["van", "van der", "de", "von", "de la", "del", "di", "da", "van den", "el", "Al"]) + " " + name
    elif roll < .1:
        name += "-" + title(pick(LAST))
    return name


def marked_values():
    """What the marked texts hold, by slot; texts in lower case are passed over."""
    values = {"name": [], "first": [], "addr": [], "bstreet": [], "org": [], "city": [], "job": []}
    kinds = {"ORGANIZATION": "org", "TITLE": "job"}
    countries = {key for f, key in lists if int(f) & 8}
    for text in MARKED:
        if text["full_text"] == text["full_text"].lower():
            continue
        for span in text["spans"]:
            value, kind = span["entity_value"], span["entity_type"]
            if kind == "PERSON" and not value.endswith("."):
                values["name" if " " in value else "first"].append(value)
            elif kind == "ADDRESS" and (len(value) > 28 or re.search(r", |\n| and ", value)):
                values["addr"].append(value)
            elif kind == "ADDRESS" and re.search("[^0-9 ].* ", value) and not re.match("(Apt|Suite|Unit)", value):
                values["bstreet"].append(value)
            elif kind == "LOCATION" and value.lower() not in countries:
                values["city"].append(value)
            elif kind in kinds:
                values[kinds[kind]].append(value)
    return values


def name():
    roll = rng.random()
    if roll < .12:
        return first()
    if roll < .2:
        return f"{first()} {pick('ABCDEFGHJKLMPRSTW')}. {last()}"
    if roll < .26:
        return f"{first()} {first()} {last()}"
    if roll < .33:
        return f"{first()} {last()} {last()}"
    if roll < .36:
        return f"{first()} {last()}{pick([' Jr.', ' II', ' III', ' MD', ' PhD', ' DDS', ' DVM', ', Jr.', ' Sr.'])}"
    return f"{first()} {last()}"


def person():
    roll = rng.random()
    return first() if roll < .35 else last() if roll < .45 else name()


def stem():
    roll = rng.random()
    return last() if roll < .4 else title(pick(CITY)) if roll < .6 else title(pick(WORD)) if roll < .85 else first()


def number():
    return pick([str(rng.randint(1, 99)), str(rng.randint(1, 9)), str(rng.randint(100, 9999)), f"{rng.randint(0, 9)}{rng.randint(0, 9)}", f"{rng.randint(1, 99)}{pick('abcABC')}"])


def street_name(style):
    s = stem()
    if style == "en":
        kind = pick("Street|Road|Avenue|Lane|Drive|Court|Boulevard|Place|Way|Terrace|Crescent|Close|Square|St.|Rd|Ave|Ave.|Blvd|Ln|Highway|Hill|Grove|Parade|Esplanade|Street|Road".split("|"))
        direction = pick(["", "", "", "North ", "S. ", "W ", "East "])
        return f"{direction}{s} {kind}"
    if style == "es":
        return pick("Calle|C.|Avda.|Avenida|Paseo|Plaza|Camino|Carrer|Ctra.|Rúa|C/|calle|avenida|Cañada|Ronda".split("|")) + " " + pick(["", "", "de ", "de la ", "del "]) + s
    if style == "fr":
        return pick("rue|Rue|avenue|Avenue|boulevard|place|Place|quai|chemin|impasse|cours|rue|bd|Allée|Square".split("|")) + " " + pick(["", "", "de ", "de la ", "du ", "des "]) + s
    if style == "de":
        return pick([f"{s}{pick(['straße', 'strasse', 'str.', 'weg', 'gasse', 'platz', 'allee', 'ring', 'ufer', 'damm'])}", f"{s} {pick(['Straße', 'Strasse', 'Allee', 'Weg', 'Platz', 'Ring'])}", f"{pick(['Am', 'An der', 'Auf der', 'Im', 'Unter den', 'Alte', 'Neue', 'Obere'])} {s}"])
    if style == "it":
        return pick("Via|Viale|Piazza|Corso|Vicolo|Via|Contrada|Strada".split("|")) + " " + pick([s, f"{first()} {s}"])
    if style == "nl":
        return pick([f"{s}{pick(['straat', 'laan', 'weg', 'plein', 'kade', 'dijk', 'gracht', 'steenweg', 'dreef'])}", f"{s} {s}straat"])
    if style == "nordic":
        return pick([f"{s}{pick(['gatan', 'vägen', 'veien', 'vegen', 'vej', 'gade', 'gata', 'katu', 'tie', 'gränd', 'stræde'])}", s])
    if style == "slavic":
        return pick([f"ul. {s}", f"ul. {s}a", f"{s}ova", f"{s}ova cesta", f"Trg {s}", f"Na {s}", f"{s} ulica", f"ulica {s}", f"K {s}"])
    if style == "box":
        return f"P.O. Box {rng.randint(1, 9999)}"
    return pick([f"{s}", f"{s} {stem()}", f"{s} utca", f"R {s} {stem()}", f"Rua {s}", f"Avenida {s}", f"Str. {s}", f"{s} Caddesi", f"Largo {s}", f"Travessa {s}"])


STYLES = ["en"] * 6 + ["es", "fr", "de", "de", "it", "it", "nl", "nl", "nordic", "nordic", "slavic", "slavic", "box", "other", "other", "es", "fr"]


def street(style=None):
    style = style or pick(STYLES)
    s = street_name(style)
    if style == "box":
        return s
    roll = rng.random()
    if style in ("en", "fr") and roll < .8 or roll < .08:
        return f"{number()} {s}" if rng.random() < .8 else f"{number()}, {s}"
    return f"{s} {number()}" if roll < .9 else s


def unit(lang="en"):
    n = pick([str(rng.randint(1, 999)), f"{rng.randint(0, 999):03}", f"{rng.randint(1, 20)}{pick('ABCD')}"])
    return {"es": f"{rng.randint(1, 9)}º {pick(['A', 'B', 'izq.', 'dcha.'])}", "fr": pick([f"appt {n}", f"bât. {pick('ABC')}", f"{rng.randint(1, 9)}e étage"]),
            "de": pick([f"{rng.randint(1, 5)}. OG", f"Wohnung {n}", f"Whg. {n}"])}.get(lang) or pick([f"Apt. {n}", f"Suite {n}", f"Unit {n}", f"Apt {n}", f"Flat {n}", f"#{n}", f"Floor {rng.randint(1, 30)}"])


def city():
    c = title(accented(pick(CITY)))
    return c.upper() if rng.random() < .1 else c


def country():
    return title(pick(COUNTRY))


def zipcode():
    return pick([f"{rng.randint(0, 99999):05}", f"{rng.randint(0, 99999):05}", f"{rng.randint(1000, 9999)}", f"{pick('ABCEGHLMNSW')}{rng.randint(1, 20)} {rng.randint(1, 9)}{pick('ABDEFGH')}{pick('JLNPQRS')}", f"{rng.randint(1000, 9999)} {pick('ABCDE')}{pick('ABCDE')}", f"{rng.randint(100, 999)} {rng.randint(10, 99)}"])


def address(lang=None):
    sep = pick([", ", ", ", "\n", "\n ", " "])
    if lang == "es":
        return ", ".join([street("es")] + ([unit("es")] if rng.random() < .4 else []) + [f"{rng.randint(1000, 52999):05} {city()}"] + (["España"] if rng.random() < .2 else []))
    if lang == "fr":
        return f"{number()}{pick(['', ',', ' bis'])} {street_name('fr')}, " + (unit("fr") + ", " if rng.random() < .3 else "") + f"{rng.randint(1000, 98999):05} {city()}" + (", France" if rng.random() < .2 else "")
    if lang == "de":
        return f"{street_name('de')} {number()}, " + (unit("de") + ", " if rng.random() < .2 else "") + f"{rng.randint(1000, 99999):05} {city()}" + (", Deutschland" if rng.random() < .15 else "")
    roll = rng.random()
    if roll < .3:
        return sep.join([f"{number()} {street()}"] + ([unit()] if rng.random() < .5 else []) + [city() + (f", {pick(STATES)}" if rng.random() < .3 else ""), country() + (f" {zipcode()}" if rng.random() < .6 else "")])
    if roll < .5:
        return sep.join([street("en")] + ([unit()] if rng.random() < .4 else []) + [f"{city()}, {pick(STATES)} {rng.randint(501, 99950):05}"])
    if roll < .62:
        return sep.join([street("en"), city(), zipcode()] + ([country()] if rng.random() < .3 else []))
    if roll < .82:
        return sep.join([street(), f"{zipcode()} {city()}"] + ([country()] if rng.random() < .4 else []))
    if roll < .86:
        return f"{pick(['the corner of', 'corner of', 'the crossing of'])} {street()} and {street()}"
    if roll < .88:
        return f"{stem()} and {street()}"
    if roll < .93:
        return f"{pick(['PSC', 'CMR', 'Unit'])} {rng.randint(100, 9999)}{pick([',', ''])} {pick(['Box', 'APO AE', 'box'])} {rng.randint(100, 9999)}{sep}{pick(['APO', 'FPO', 'DPO'])} {pick(['AE', 'AP', 'AA'])} {rng.randint(9000, 96999):05}"
    return sep.join([street(), city()])


def org():
    if rng.random() < .3:
        return pick(FIRMS)
    roll = rng.random()
    w = lambda: title(pick(WORD))
    if roll < .22:
        return f"{last()} {pick(['Ltd', 'Ltd.', 'Inc', 'Inc.', 'LLC', 'GmbH', 'AG', 'S.A.', 'Group', 'PLC', 'and Sons', 'Corp', '& Co', 'B.V.'])}"
    if roll < .3:
        return f"{last()}, {last()} and {last()}"
    if roll < .36:
        return f"{last()}-{last()}"
    if roll < .55:
        return f"{w()} {pick(['Systems', 'Technologies', 'Solutions', 'Labs', 'Media', 'Foods', 'Stores', 'Bank', 'Energy', 'Networks', 'Insurance', 'Partners', 'Data', 'Health', 'Analytics', 'Software', 'Logistics', 'Motors'])}"
    if roll < .62:
        return f"{pick(['University of', 'Bank of', 'Institute of', 'Department of', 'Ministry of', 'Museum of'])} {pick([w(), city()])}"
    if roll < .8:
        return (pick(WORD)[:6] + pick(["ly", "ify", "io", "tech", "soft", "hub", "list", "data", "star", "mart", "graph", "sense", "point"])).capitalize()
    if roll < .9:
        return f"{w()} {w()}"
    return pick(["BBC", "KPMG", "IBM", "UPS", "DHL", "NBC", "HSBC"]) if rng.random() < .3 else w() + pick(WORD).capitalize()


def coin():
    stem = pick(WORD)[: rng.randint(3, 5)]
    return (stem + pick(["ander", "ica", "ora", "ix", "ium", "oto", "ela", "eon", "azon", "ovia", "ster", "opolis", "land", "ino", "oon", "man", "verse", "tron"])).capitalize()


def job(lang):
    if lang in JOBS:
        return pick(JOBS[lang])
    j = pick([f"{pick(JOB_WORDS)} {pick(JOB_HEADS)}", f"{pick(JOB_WORDS)} and {pick(JOB_WORDS)} {pick(JOB_HEADS)}", pick(JOB_HEADS), f"{pick(JOB_WORDS)}, {pick(JOB_WORDS)}, and {pick(JOB_WORDS)} {pick(JOB_HEADS)}"])
    return pick([j.capitalize(), title(j), j])


def digits(form):
    return re.sub("#", lambda _: str(rng.randint(0, 9)), form)


def fill(slot, lang):
    tail = slot[-2:] if slot[-3:-2] == "_" else lang
    base = slot[:-3] if slot[-3:-2] == "_" else slot
    work = lambda: " ".join(title(pick(WORD)) for _ in range(pick([1, 2, 2, 3])))
    many = {
        "work": lambda: (None, work()), "coin": lambda: (None, coin()), "word": lambda: (None, pick(WORD)), "people": lambda: (None, pick(PEOPLES)),
        "name": lambda: ("PERSON", name()), "first": lambda: ("PERSON", first()), "last": lambda: ("PERSON", last()), "title": lambda: (None, pick(TITLES[tail].split())),
        "addr": lambda: ("ADDRESS", address(tail)), "street": lambda: ("ADDRESS", street(None if tail == "en" else tail)), "city": lambda: ("LOCATION", city()),
        "country": lambda: ("LOCATION", country()), "org": lambda: ("ORGANIZATION", org()), "job": lambda: ("TITLE", job(tail)), "product": lambda: (None, pick(PRODUCTS[tail])),
        "brand": lambda: (None, pick(BRANDS)), "email": lambda: (None, f"{pick(FIRST)}.{pick(LAST)}@example.{pick(['com', 'org', 'de', 'fr'])}"),
        "phone": lambda: (None, digits(pick(["+49 30 1######", "(555) 2##-####", "555-2##-####", "06 12 34 ## ##", "+34 6## ### ###"]))),
        "card": lambda: (None, pick(["4111 1111 1111 1111", "4111111111111111", "5500005555555559", "4012888888881881"])),
        "date": lambda: (None, digits(pick(["201#-0#-1#", "1#/0#/201#", "1#.0#.199#"]).replace("0#", "0" + str(rng.randint(1, 9))))), "day": lambda: (None, pick(DAYS[tail].split())),
        "num": lambda: (None, str(rng.randint(2, 900))), "order": lambda: (None, digits(pick(["#####", "A-####", "SO######"]))),
        "person": lambda: ("PERSON", person()), "place": lambda: ("LOCATION", city() if rng.random() < .6 else country()),
        "bnumber": lambda: ("ADDRESS", number()), "bstreet": lambda: ("ADDRESS", street()), "bunit": lambda: ("ADDRESS", unit()), "bcity": lambda: ("LOCATION", city()),
        "bcountry": lambda: ("LOCATION", country()), "bzip": lambda: ("ADDRESS", zipcode()),
    }
    alike = {"bcity": "city", "person": "name"}.get(base, base)
    if VALUES.get(alike) and lang == "en" and rng.random() < MARKED_SHARE:
        return many[base]()[0], pick(VALUES[alike])
    return many[base]()


VALUES = marked_values()


def sentence(template, lang):
    while "(" in template:
        changed = re.sub(r"\(([^()]*)\)", lambda m: pick(m.group(1).split("|")), template)
        if changed == template:
            break
        template = changed
    text, spans = "", []
    for part in re.split(r"(\{\w+\})", template.replace("\\n", "\n")):
        if part.startswith("{"):
            label, value = fill(part[1:-1], lang)
            if label:
                spans.append((label, len(text), len(text) + len(value)))
            part = value
        text += part
    if rng.random() < .14:
        lower = text.lower()
        text = lower if len(lower) == len(text) else text
    return text, spans


out = []
lang = "en"
number_of = 100000
for line in (line for name in ("templates", "more", "wide", "rows") for line in open(f"{DATA}/training/{name}.txt", encoding="utf-8")):
    line = line.rstrip("\n")
    if line.startswith("## "):
        lang = line.split()[1]
        continue
    if not line or line.startswith("#"):
        continue
    number_of += 2
    for _ in range(EACH):
        text, spans = sentence(line, lang)
        out.append({"full_text": text, "template_id": number_of, "is_generated": True,
                    "spans": [{"entity_type": t, "start_position": b, "end_position": e} for t, b, e in spans]})
json.dump(out, open(OUT, "w"), ensure_ascii=False)
print(len(out), "sentences")
