package main

import (
	"cmp"
	"fmt"
	"html"
	"log"
	"net/http"
	"os"
	"runtime"
)

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hello, Go</title>
<style>
  :root { color-scheme: light dark; font: 1.1rem/1.5 system-ui, sans-serif; }
  body { max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }
</style>
<h1>Hello from %s</h1>
<p>This page comes from %s. Change it, and deploy again.</p>
`

func main() {
	port := cmp.Or(os.Getenv("PORT"), "3000")
	dyno := html.EscapeString(cmp.Or(os.Getenv("DYNO"), "this machine"))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, page, dyno, runtime.Version())
	})
	log.Printf("listening on %s", port)
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
