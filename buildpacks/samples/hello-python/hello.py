import os
import platform

from flask import Flask

app = Flask(__name__)

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello, Python</title>
<style>
  :root {{ color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }}
  body {{ max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }}
</style>
<h1>Hello from {dyno}</h1>
<p>This page comes from Python {version}. Change it, and deploy again.</p>
"""


@app.get("/")
def index():
    return PAGE.format(dyno=os.environ.get("DYNO", "this machine"), version=platform.python_version())
