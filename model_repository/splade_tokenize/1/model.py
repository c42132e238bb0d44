"""Triton python step: TEXT -> input_ids, attention_mask. Written by `sparse-export triton`; needs tokenizers and numpy.

The outputs of a route that tokenizes otherwise than documents have a prefix: query_input_ids, query_attention_mask.
Only the routes whose outputs a request asks for are computed.
"""

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils
from tokenizers import Tokenizer


class Fast:
    """A tokenizer.json."""

    def __init__(self, folder, settings):
        self.tokenizer = Tokenizer.from_file(str(folder / settings["tokenizer"]))
        self.pad_id = (self.tokenizer.padding or {}).get("pad_id", 0)
        self.tokenizer.no_padding()  # done by the route, to the length that is wanted
        self._truncate(settings["max_length"])

    def _truncate(self, max_length):
        current = self.tokenizer.truncation
        if max_length is None:
            self.tokenizer.no_truncation()
        elif not current or current["max_length"] != max_length:
            self.tokenizer.enable_truncation(**{**(current or {}), "max_length": max_length})

    def rows(self, texts, special):
        """Return the token ids of each text."""
        if len(texts) == 1:  # a pool of threads would only have to be woken
            return [self.tokenizer.encode(texts[0], add_special_tokens=special).ids]
        return [encoding.ids for encoding in self.tokenizer.encode_batch(texts, add_special_tokens=special)]


class Slow:
    """A tokenizer of transformers without a fast form; the packages that it needs are parameters of this model."""

    def __init__(self, folder, settings):
        import transformers

        described = settings["python_tokenizer"]
        kind = getattr(transformers, described["name"])
        self.tokenizer = kind.from_pretrained(folder / described["folder"], local_files_only=True)
        self.pad_id = described["pad_id"]
        length = settings["max_length"]
        self.options = {} if length is None else {"truncation": "longest_first", "max_length": length}

    def rows(self, texts, special):
        """Return the token ids of each text."""
        return self.tokenizer(texts, add_special_tokens=special, **self.options)["input_ids"]


class Route:
    """How the texts of one route become tokens."""

    def __init__(self, folder, prefix, settings):
        self.ids_name, self.mask_name = prefix + "input_ids", prefix + "attention_mask"
        self.prompt, self.special = settings["prompt"], settings["add_special_tokens"]
        self.tokenizer = Slow(folder, settings) if "python_tokenizer" in settings else Fast(folder, settings)
        self.pad_id = self.tokenizer.pad_id

    def rows(self, texts):
        """Return the token ids of each text."""
        return self.tokenizer.rows([self.prompt + text for text in texts], self.special)

    def tensors(self, rows, width):
        """Return input_ids and attention_mask, int64 [len(rows), width]."""
        ids = np.full((len(rows), width), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for position, row in enumerate(rows):
            # On the right whatever the tokenizer says: on the left it would move the positions of a text.
            ids[position, : len(row)] = row
            mask[position, : len(row)] = 1
        return [pb_utils.Tensor(self.ids_name, ids), pb_utils.Tensor(self.mask_name, mask)]


def saturates():
    """Tell whether ONNX Runtime's 8-bit products saturate on this processor."""
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    return "avx2" in flags and not flags & {"avx_vnni", "avx512_vnni"}


class TritonPythonModel:
    """Tokenize requests one by one, so that a bad one fails alone."""

    def initialize(self, args):
        """Load the tokenizers of the model that Triton names."""
        folder = Path(args["model_repository"], args["model_version"])
        parameters = json.loads(args["model_config"])["parameters"]
        read = {name: entry["string_value"] for name, entry in parameters.items()}
        self.routes = [Route(folder, prefix, settings) for prefix, settings in json.loads(read["routes"]).items()]
        self.max_bytes = int(read["max_text_bytes"])
        self.together = read.get("pad_requests_together") == "true"
        if read.get("needs_vnni") == "true" and saturates():
            raise pb_utils.TritonModelException(
                "the bundle's int8 products are wrong on this processor, which has AVX2 and no VNNI: "
                "export it again, without --cpu vnni"
            )

    def execute(self, requests):
        """Return one response per request, in their order."""
        prepared = [self._prepare(request) for request in requests]
        width = 0
        if self.together:
            width = max((_width(rows) for parts in prepared if isinstance(parts, list) for _, rows in parts), default=0)
        return [_response(parts, width) for parts in prepared]

    def _prepare(self, request):
        """Return (route, token ids) for each route that the request wants, or the error that answers it."""
        try:
            texts = self._texts(pb_utils.get_input_tensor_by_name(request, "TEXT").as_numpy())
            wanted = set(request.requested_output_names())
            routes = [route for route in self.routes if wanted & {route.ids_name, route.mask_name}]
            return [(route, route.rows(texts)) for route in routes]
        except ValueError as error:
            return pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG)
        except Exception as error:  # raised further, it would fail every request of this execution
            return pb_utils.TritonError(f"the text cannot be tokenized: {error}", pb_utils.TritonError.INTERNAL)

    def _texts(self, array):
        texts = []
        for position, raw in enumerate(array.reshape(-1).tolist()):
            if len(raw) > self.max_bytes:
                raise ValueError(f"text {position} has {len(raw)} bytes, at most {self.max_bytes} are allowed")
            try:
                texts.append(raw.decode("utf-8"))
            except UnicodeDecodeError:
                raise ValueError(f"text {position} is not UTF-8") from None
        if not texts:
            raise ValueError("the batch is empty, give TEXT of shape [texts, 1]")
        return texts


def _width(rows):
    return max(1, max(map(len, rows)))


def _response(parts, width):
    if not isinstance(parts, list):
        return pb_utils.InferenceResponse(output_tensors=[], error=parts)
    tensors = []
    for route, rows in parts:
        tensors += route.tensors(rows, max(width, _width(rows)))
    return pb_utils.InferenceResponse(output_tensors=tensors)
